package org.talespark.zoo.diffusion;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NetworkLearner;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.StepResult;
import org.talespark.zoo.train.Weights;
import org.talespark.zoo.vq.VqCodec;

/**
 * One worker's diffusion model of pictures or latents (Ho 2020, arXiv:2006.11239, algorithm 1):
 * each sample gets a timestep and noise of its own, and the loss is the weighted squared error of
 * what the network says of it and its text. A share of the samples is trained on the empty text,
 * for guidance.
 *
 * <p>Timesteps and noise follow from the seed, the step and the sample's key, so the state of a run
 * holds no random numbers, and N workers draw what one with the whole batch would.
 */
final class DiffusionLearner implements NetworkLearner {
  /** Gradients are exchanged in parts of this size while the backward pass goes on. */
  private static final long BUCKET_BYTES = 1 << 20;

  private static final String TARGETS = "targets";
  private static final String WEIGHTS = "weights";
  private static final String ERRORS = "errors";
  private static final String LOSS = "loss";
  private static final String SQUARED_ERROR = "squared_error";

  private final DiffusionLearnerConfig config;
  private final DiffusionFile file;
  private final LearnerContext context;
  private final NoiseSchedule noise;
  private final TimestepFeatures features;
  private final TrainingNoise drawn;
  private final int side;
  private final int elements;
  private final float[] noisy; // [B, elements]
  private final float[] targets; // [B, elements]
  private final float[] weights; // [B]
  private final LearnerTexts texts; // null without texts
  private final Pretrained firstStage; // null for pixels
  private final CompiledGraph plan;
  private final Denoiser evaluation;
  private final Descent descent;
  private final INDArray totals = Nd4j.zeros(DataType.DOUBLE, 2); // weighted, plain errors
  private LatentCodec codec; // made when pictures are wanted
  private Map<String, byte[]> files; // made when a checkpoint is written

  DiffusionLearner(DiffusionLearnerConfig config, LearnerContext context) {
    this.config = config;
    this.file = config.modelConfig(context.size());
    this.context = context;
    this.noise = NoiseSchedule.of(config.noise());
    this.features = new TimestepFeatures(noise.steps(), config.model().timeFeatures());
    this.side = file.sampleSize();
    this.elements = config.model().channels() * side * side;
    this.firstStage =
        config.firstStage() == null
            ? null
            : context.pretrained().apply(config.firstStage().checkpoint());
    int batch = context.batch();
    this.drawn =
        new TrainingNoise(
            context.seed(),
            noise.steps(),
            batch,
            elements,
            config.text() == null ? 0 : config.contextDropout(),
            config.timesteps());
    this.noisy = new float[Math.multiplyExact(batch, elements)];
    this.targets = new float[noisy.length];
    this.weights = new float[batch];
    this.texts = config.text() == null ? null : LearnerTexts.of(config, context);

    Ops ops = new Ops(context.type());
    Layers layers = Layers.trainable(ops, context.seed());
    SDVariable prediction =
        config
            .model()
            .build(
                layers,
                ops.input(Denoiser.SAMPLES, sampleShape()),
                ops.input(Denoiser.TIME_FEATURES, batch, config.model().timeFeatures()),
                texts == null ? null : texts.context(layers),
                batch,
                side);
    SDVariable wanted = ops.input(TARGETS, sampleShape());
    SDVariable weight = ops.input(WEIGHTS, batch);
    SDVariable difference = ops.reshape(prediction.sub(wanted), batch, elements);
    SDVariable errors = ops.graph().math().square(difference).mean(false, 1); // [B]
    ops.name(ERRORS, errors);
    ops.name(LOSS, errors.mul(weight).mean());
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .input(Denoiser.SAMPLES, sampleShape())
            .input(Denoiser.TIME_FEATURES, batch, config.model().timeFeatures())
            .input(TARGETS, sampleShape())
            .input(WEIGHTS, batch)
            .outputs(ERRORS)
            .losses(LOSS)
            .train(layers.names())
            .bucketBytes(BUCKET_BYTES);
    if (texts != null) {
      texts.inputs(builder);
    }
    this.plan = builder.build();
    this.descent = new Descent(plan, context, config.descent());
    Weights weightsInUse = Weights.of(descent.averaged());
    this.evaluation =
        new Denoiser(
            config.model(),
            noise.steps(),
            side,
            batch,
            texts == null ? null : texts.inputs(),
            texts == null ? null : texts.reader(weightsInUse),
            weightsInUse,
            context.type());
  }

  private long[] sampleShape() {
    return new long[] {context.batch(), config.model().channels(), side, side};
  }

  /** What the network sees of a batch: its pictures, or their latents at unit variance. */
  private float[] clean(Batch batch) {
    if (file.latents() == null) {
      return batch.pictures();
    }
    float[] latents = batch.pictures().clone();
    LatentCodec.normalize(file.latents(), latents);
    return latents;
  }

  @Override
  public StepResult step(Batch batch, Progress progress) {
    drawn.draw(progress.step(), batch.keys());
    int[] timesteps = drawn.timesteps();
    float[] clean = clean(batch);
    noise.qSample(clean, timesteps, drawn.noise(), noisy);
    config.prediction().targets(noise, clean, timesteps, drawn.noise(), targets);
    for (int b = 0; b < weights.length; b++) {
      weights[b] = (float) config.weighting().weight(noise, config.prediction(), timesteps[b]);
    }
    plan.fill(Denoiser.SAMPLES, noisy);
    plan.fill(Denoiser.TIME_FEATURES, features.of(timesteps));
    plan.fill(TARGETS, targets);
    plan.fill(WEIGHTS, weights);
    if (texts != null) {
      texts.fill(plan, progress.step(), batch.captions(), drawn.dropped());
    }
    plan.run(descent.sums());

    Reducer reducer = context.reducer();
    Map<String, Double> losses = losses(reducer);
    INDArray gradients = descent.sums().await();
    descent.update(gradients, batch, progress, losses);
    return new StepResult(losses);
  }

  /** Means over the samples of all workers. */
  private Map<String, Double> losses(Reducer reducer) {
    double[] errors = plan.output(ERRORS).toDoubleVector();
    double weighted = 0;
    double plain = 0;
    for (int b = 0; b < errors.length; b++) {
      weighted += weights[b] * errors[b];
      plain += errors[b];
    }
    totals.putScalar(0, weighted);
    totals.putScalar(1, plain);
    reducer.sum(totals);
    double samples = (double) errors.length * reducer.workers();
    Map<String, Double> losses = new LinkedHashMap<>();
    losses.put(LOSS, totals.getDouble(0) / samples);
    losses.put(SQUARED_ERROR, totals.getDouble(1) / samples);
    return losses;
  }

  @Override
  public Descent descent() {
    return descent;
  }

  /** Packed once, when the first checkpoint is written. */
  @Override
  public Map<String, byte[]> files() {
    if (files == null) {
      files = packed();
    }
    return files;
  }

  private Map<String, byte[]> packed() {
    Map<String, byte[]> all = new LinkedHashMap<>();
    if (texts != null) {
      all.putAll(texts.files());
    }
    if (firstStage != null) {
      all.putAll(firstStage.asFiles(DiffusionFile.FIRST_STAGE));
    }
    return all;
  }

  /** At fixed timesteps, with noise that only the samples' keys decide. */
  @Override
  public Map<String, double[]> evaluate(Batch batch) {
    descent.average();
    int batchElements = batch.size() * elements;
    long[] keys = batch.keys().stream().mapToLong(NoiseKey::evaluation).toArray();
    float[] fixed = new float[batchElements];
    NoiseKey.normals(keys, 0, fixed);
    int[] timesteps = config.evaluatedTimesteps();
    double[] errors = new double[timesteps.length];
    double weighted = 0;
    float[] samples = new float[noisy.length];
    float[] wanted = new float[batchElements];
    float[] clean = clean(batch);
    Denoise network = evaluation.under(batch.captions());
    int[] times = new int[batch.size()];
    for (int k = 0; k < timesteps.length; k++) {
      Arrays.fill(times, timesteps[k]);
      noise.qSample(clean, times, fixed, samples);
      config.prediction().targets(noise, clean, times, fixed, wanted);
      float[] predicted = network.predict(samples, timesteps[k]);
      double sum = 0;
      for (int i = 0; i < batchElements; i++) {
        double difference = predicted[i] - wanted[i];
        sum += difference * difference;
      }
      errors[k] = sum / elements;
      weighted += errors[k] * config.weighting().weight(noise, config.prediction(), timesteps[k]);
    }
    Map<String, double[]> sums = new LinkedHashMap<>();
    sums.put(DiffusionMetrics.ERRORS, errors);
    sums.put(DiffusionMetrics.WEIGHTED, new double[] {weighted});
    sums.put(DiffusionMetrics.SAMPLES, new double[] {batch.size()});
    return sums;
  }

  /**
   * The batch's pictures, and below them as many that the model makes, of the same texts if it
   * reads texts, always from one noise.
   */
  @Override
  public float[][][] samples(Batch batch) {
    descent.average();
    long[] keys = new long[context.batch()];
    for (int b = 0; b < keys.length; b++) {
      keys[b] = NoiseKey.sampling(0, "", b);
    }
    float[] made =
        file.sampling(noise, null)
            .generate(evaluation.guided(batch.captions(), config.guidance()), keys, elements);
    return new float[][][] {rows(clean(batch), batch.size()), rows(made, batch.size())};
  }

  /** Samples as pictures. */
  private float[][] rows(float[] samples, int count) {
    float[] pictures = samples;
    if (file.latents() != null) {
      if (codec == null) {
        VqCodec vq = new VqCodec(firstStage, context.batch());
        codec = new LatentCodec(file.latents(), vq, context.batch());
      }
      pictures = codec.decode(samples, count);
    }
    int picture = 3 * context.size() * context.size();
    float[][] rows = new float[count][];
    for (int b = 0; b < count; b++) {
      rows[b] = Arrays.copyOfRange(pictures, b * picture, (b + 1) * picture);
    }
    return rows;
  }

  @Override
  public String memoryReport() {
    return "diffusion model of %d parameters: %s%nevaluation: %s"
        .formatted(plan.parameters().layout().length(), plan.report(), evaluation.report());
  }

  @Override
  public void close() {
    plan.close();
    evaluation.close();
    if (texts != null) {
      texts.close();
    }
    if (codec != null) {
      codec.close();
    }
  }
}

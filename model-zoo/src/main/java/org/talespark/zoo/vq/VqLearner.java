package org.talespark.zoo.vq;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.optim.Ema;
import org.talespark.zoo.optim.GradientClip;
import org.talespark.zoo.optim.Optimizer;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.GradientSums;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NonFiniteException;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.StepResult;

/**
 * One worker's VQ-VAE or VQ-GAN.
 *
 * <p>A step: the autoencoder's forward pass; the gradient of the reconstruction losses with respect
 * to the reconstruction; while the adversarial loss is on, its gradient there too, weighted by
 * |grad L_rec| / |grad L_gan| at the last layer (Eq. 7, arXiv:2012.09841, of the gradients of the
 * whole batch, so that the weight does not depend on the number of workers); the autoencoder's
 * backward pass from their sum; then the discriminator's own step on the same pictures. The
 * generator's pass reads the discriminator's weights as constants, and the discriminator reads the
 * reconstruction as one, so neither changes the other.
 */
final class VqLearner implements Learner {
  private static final double MAX_ADAPTIVE_WEIGHT = 1e4;

  private final VqLearnerConfig config;
  private final LearnerContext context;
  private final VqPlans plans;
  private final Optimizer optimizer;
  private final Optimizer discriminatorOptimizer;
  private final GradientClip clip;
  private final GradientClip discriminatorClip;
  private final Ema ema;
  private final EmaCodebook codebook;
  private final GradientSums gradientSums;
  private final GradientSums discriminatorSums;
  private final INDArray codes;
  private final INDArray shared; // losses and last-layer gradients that are summed each step

  VqLearner(VqLearnerConfig config, LearnerContext context) {
    this.config = config;
    this.context = context;
    VectorQuantizer.Config quantizer = config.model().quantizer();
    this.codes = VectorQuantizer.initialCodes(quantizer, context.type());
    this.plans = new VqPlans(config, context, codes);
    Parameters parameters = plans.autoencoder.parameters();
    this.optimizer =
        config.optimizer().create(parameters.layout(), context.type(), context.reducer());
    this.clip = new GradientClip(config.clipNorm());
    this.ema = new Ema(config.emaDecay(), parameters.flat());
    this.codebook =
        quantizer.learning() == VectorQuantizer.Learning.EMA
            ? new EmaCodebook(quantizer, codes, context.seed(), context.reducer())
            : null;
    this.gradientSums = new GradientSums(context.reducer(), plans.autoencoder.gradients().flat());
    if (config.adversarial() == null) {
      this.discriminatorOptimizer = null;
      this.discriminatorClip = null;
      this.discriminatorSums = null;
    } else {
      Parameters discriminator = plans.discriminator.parameters();
      this.discriminatorOptimizer =
          new OptimizerConfig.Adam(0.5, 0.9, 1e-8).create(discriminator.layout(), context.type());
      this.discriminatorClip = new GradientClip(config.clipNorm());
      this.discriminatorSums =
          new GradientSums(context.reducer(), plans.discriminator.gradients().flat());
    }
    this.shared = Nd4j.zeros(context.type(), VqPlans.LOSSES.size());
  }

  @Override
  public StepResult step(Batch batch, Progress progress) {
    Reducer reducer = context.reducer();
    plans.autoencoder.fill(VqModel.PICTURES, batch.pictures());
    plans.autoencoder.runEarly();
    plans.reconstructionLoss.run();
    INDArray seed = plans.autoencoder.input(VqPlans.SEED);
    seed.assign(plans.reconstructionLoss.gradientOf(VqPlans.RECONSTRUCTION));

    double adversarialWeight =
        config.adversarial() == null ? -1 : config.adversarial().weightAt(progress.done());
    boolean adversarial = adversarialWeight >= 0;
    double adaptive = 0;
    if (adversarial) {
      plans.critic.run();
      INDArray gradient = plans.critic.gradientOf(VqPlans.RECONSTRUCTION);
      adaptive = adaptiveWeight(seed, gradient, reducer);
      seed.addi(gradient.muli(adaptive * adversarialWeight));
    }
    plans.autoencoder.runLate(gradientSums);
    if (adversarial) {
      plans.discriminator.run(discriminatorSums);
    }
    INDArray statistics = null;
    if (codebook != null) {
      statistics = codebook.collect(plans.vectors(), plans.indices(), progress.step());
      reducer.sum(statistics);
    }
    Map<String, Double> losses = losses(adversarial, reducer);
    INDArray gradients = gradientSums.await();
    INDArray discriminatorGradients = adversarial ? discriminatorSums.await() : null;
    double norm = clip.clip(gradients);
    double discriminatorNorm = adversarial ? discriminatorClip.clip(discriminatorGradients) : 0;
    if (!Double.isFinite(norm + discriminatorNorm)
        || losses.values().stream().anyMatch(v -> !Double.isFinite(v))) {
      throw new NonFiniteException(progress.step(), reducer.worker(), batch.keys(), losses);
    }

    double factor = config.schedule().factor(progress.step(), progress.done());
    INDArray parameters = plans.autoencoder.parameters().flat();
    optimizer.update(parameters, gradients, factor * context.learningRate());
    if (!reducer.apart()) {
      ema.update(parameters);
    }
    if (adversarial) {
      discriminatorOptimizer.update(
          plans.discriminator.parameters().flat(),
          discriminatorGradients,
          factor * config.adversarial().learningRate());
      losses.put("adaptive_weight", adaptive);
    }
    if (codebook != null) {
      codebook.update(statistics);
      losses.put("dead_codes", (double) codebook.dead());
    }
    losses.put("gradient_norm", norm);
    losses.put("learning_rate", factor * context.learningRate());
    return new StepResult(losses);
  }

  /** |grad L_rec| / |grad L_gan| at the last layer, of the whole batch. */
  private double adaptiveWeight(INDArray ofReconstruction, INDArray ofCritic, Reducer reducer) {
    double reconstruction = lastLayerNorm(ofReconstruction, reducer);
    double critic = lastLayerNorm(ofCritic, reducer);
    return Math.min(MAX_ADAPTIVE_WEIGHT, reconstruction / (critic + 1e-4));
  }

  private double lastLayerNorm(INDArray pictureGradient, Reducer reducer) {
    plans.lastLayer.input(VqPlans.SEED).assign(pictureGradient);
    plans.lastLayer.run();
    INDArray gradient = plans.lastLayer.gradients().flat();
    reducer.sum(gradient);
    return gradient.norm2Number().doubleValue() / reducer.workers();
  }

  private Map<String, Double> losses(boolean adversarial, Reducer reducer) {
    for (int i = 0; i < VqPlans.LOSSES.size(); i++) {
      shared.putScalar(i, plans.loss(VqPlans.LOSSES.get(i), adversarial));
    }
    reducer.sum(shared);
    Map<String, Double> losses = new LinkedHashMap<>();
    for (int i = 0; i < VqPlans.LOSSES.size(); i++) {
      if (plans.has(VqPlans.LOSSES.get(i), adversarial)) {
        losses.put(VqPlans.LOSSES.get(i), shared.getDouble(i) / reducer.workers());
      }
    }
    return losses;
  }

  @Override
  public Map<String, INDArray> model() {
    Map<String, INDArray> model = plans.autoencoder.parameters().views();
    model.putIfAbsent(config.model().codebook(), codes);
    return model;
  }

  @Override
  public Map<String, INDArray> ema() {
    Map<String, INDArray> averaged = plans.averaged(ema.average());
    averaged.putIfAbsent(config.model().codebook(), codes);
    return averaged;
  }

  @Override
  public Map<String, INDArray> state() {
    Map<String, INDArray> state = new LinkedHashMap<>();
    optimizer.state().forEach((name, array) -> state.put("autoencoder." + name, array));
    if (config.adversarial() != null) {
      state.putAll(plans.discriminator.parameters().views());
      discriminatorOptimizer
          .state()
          .forEach((name, array) -> state.put("discriminator." + name, array));
    }
    if (codebook != null) {
      state.put("codebook.counts", codebook.counts());
      state.put("codebook.sums", codebook.sums());
    }
    return state;
  }

  @Override
  public Map<String, Long> counters() {
    Map<String, Long> counters = new LinkedHashMap<>();
    counters.put("autoencoder", optimizer.steps());
    counters.put("ema", ema.updates());
    if (config.adversarial() != null) {
      counters.put("discriminator", discriminatorOptimizer.steps());
    }
    return counters;
  }

  @Override
  public void restored(Map<String, Long> counters) {
    optimizer.restore(counters.get("autoencoder"), optimizer.state());
    ema.restore(counters.get("ema"), ema.average());
    if (config.adversarial() != null) {
      discriminatorOptimizer.restore(counters.get("discriminator"), discriminatorOptimizer.state());
    }
  }

  @Override
  public List<INDArray> parameters() {
    List<INDArray> parameters = new ArrayList<>();
    parameters.add(plans.autoencoder.parameters().flat());
    if (config.adversarial() != null) {
      parameters.add(plans.discriminator.parameters().flat());
    }
    return parameters;
  }

  @Override
  public List<INDArray> statistics() {
    return codebook == null ? List.of() : codebook.statistics();
  }

  @Override
  public void merged(int steps) {
    if (context.reducer().apart()) {
      ema.update(plans.autoencoder.parameters().flat(), steps);
    }
    if (codebook != null) {
      codebook.merged();
    }
  }

  @Override
  public void begun() {
    if (codebook != null) {
      codebook.adopt();
    }
  }

  @Override
  public Map<String, double[]> evaluate(Batch batch) {
    int perPicture = 3 * context.size() * context.size();
    float[] reconstructions = reconstruct(batch);
    int[] indices = plans.evaluation.output(plans.evaluationIndices).toIntVector();
    int perBatch = indices.length / context.batch();
    return VqMetrics.sums(
        batch.pictures(),
        reconstructions,
        batch.size(),
        perPicture,
        Arrays.copyOf(indices, perBatch * batch.size()),
        config.model().quantizer().codes());
  }

  @Override
  public float[][][] samples(Batch batch) {
    int perPicture = 3 * context.size() * context.size();
    float[] reconstructions = reconstruct(batch);
    float[][][] rows = new float[2][batch.size()][];
    for (int i = 0; i < batch.size(); i++) {
      rows[0][i] = Arrays.copyOfRange(batch.pictures(), i * perPicture, (i + 1) * perPicture);
      rows[1][i] = Arrays.copyOfRange(reconstructions, i * perPicture, (i + 1) * perPicture);
    }
    return rows;
  }

  /** With the averaged weights; [context.batch, 3, size, size]. */
  private float[] reconstruct(Batch batch) {
    int perPicture = 3 * context.size() * context.size();
    float[] padded = Arrays.copyOf(batch.pictures(), context.batch() * perPicture);
    plans.average(ema.average());
    plans.evaluation.fill(VqModel.PICTURES, padded);
    plans.evaluation.run();
    INDArray pictures = plans.evaluation.output(VqPlans.RECONSTRUCTION);
    return pictures.reshape(pictures.length()).toFloatVector();
  }

  @Override
  public String memoryReport() {
    return plans.report();
  }

  @Override
  public void close() {
    plans.close();
  }
}

package org.talespark.zoo.diffusion;

import java.util.Collections;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.PlanReport;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Weights;

/** A denoiser in use, for batches of one size, with what reads its texts. */
final class Denoiser implements AutoCloseable {
  static final String SAMPLES = "samples";
  static final String TIME_FEATURES = "time_features";
  private static final String PREDICTION = "prediction";

  private final TimestepFeatures features;
  private final int batch;
  private final TextInputs texts; // null without texts
  private final TextReader reader;
  private final CompiledGraph plan;

  /**
   * A denoiser.
   *
   * @param steps timesteps of the schedule
   * @param side S of a sample [C, S, S]
   * @param texts how texts enter, or null without texts
   * @param reader of the texts, or null without texts; is closed with this
   */
  Denoiser(
      DenoiserConfig config,
      int steps,
      int side,
      int batch,
      TextInputs texts,
      TextReader reader,
      Weights weights,
      DataType type) {
    this.features = new TimestepFeatures(steps, config.timeFeatures());
    this.batch = batch;
    this.texts = texts;
    this.reader = reader;
    Ops ops = new Ops(type);
    Layers layers = Layers.bound(ops);
    SDVariable samples = ops.input(SAMPLES, batch, config.channels(), side, side);
    SDVariable times = ops.input(TIME_FEATURES, batch, config.timeFeatures());
    DenoiserConfig.Context context = texts == null ? null : texts.encoded(layers);
    ops.name(PREDICTION, config.build(layers, samples, times, context, batch, side));
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .input(SAMPLES, batch, config.channels(), side, side)
            .input(TIME_FEATURES, batch, config.timeFeatures())
            .outputs(PREDICTION);
    if (texts != null) {
      texts.encodedInputs(builder);
    }
    this.plan = weights.bind(builder, layers.names()).build();
  }

  /** The network under these texts, at most B; without texts it takes no notice of them. */
  Denoise under(List<String> captions) {
    if (texts == null) {
      return this::predict;
    }
    TextInputs.Encoded encoded = reader.read(captions);
    return (samples, timestep) -> {
      texts.fillEncoded(plan, encoded);
      return predict(samples, timestep);
    };
  }

  /** The network under these texts, guided away from none. */
  Denoise guided(List<String> captions, double scale) {
    if (texts == null) {
      return this::predict;
    }
    return Guidance.of(under(captions), under(Collections.nCopies(captions.size(), "")), scale);
  }

  private float[] predict(float[] samples, int timestep) {
    plan.fill(SAMPLES, samples);
    plan.fill(TIME_FEATURES, features.of(timestep, batch));
    plan.run();
    return plan.output(PREDICTION).ravel().toFloatVector();
  }

  PlanReport report() {
    return plan.report();
  }

  @Override
  public void close() {
    plan.close();
    if (reader != null) {
      reader.close();
    }
  }
}

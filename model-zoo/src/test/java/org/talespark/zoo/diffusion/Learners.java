package org.talespark.zoo.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Reducer;

/** Small networks, pictures and learners for tests. */
final class Learners {
  static final int SIZE = 8;
  static final int ELEMENTS = 3 * SIZE * SIZE;

  private Learners() {}

  /** Two levels without text, of these widths, the second with attention. */
  static DenoiserConfig uNet(int first, int second) {
    return new UNet2DCondition.Config(
        3, List.of(first, second), 1, List.of(false, true), 2, 0, 2, 0);
  }

  static DiffusionLearnerConfig config(
      DenoiserConfig model, NoiseConfig noise, Prediction prediction, LossWeighting weighting) {
    return new DiffusionLearnerConfig(
        model,
        noise,
        prediction,
        weighting,
        null,
        null,
        null,
        null,
        4,
        new Sampler.Ddim(10, 0, Spacing.TRAILING),
        null,
        null,
        new OptimizerConfig.AdamW(0.9, 0.99, 1e-8, 0.01),
        new Schedule.Constant(),
        1,
        0.99);
  }

  static DiffusionLearnerConfig config() {
    return config(uNet(4, 8));
  }

  static DiffusionLearnerConfig config(DenoiserConfig model) {
    return config(
        model,
        new NoiseConfig.Cosine(1000, 0.008, 0.999, false),
        Prediction.V_PREDICTION,
        new LossWeighting.MinSnr(5));
  }

  static LearnerContext context(int batch, DataType type, Reducer reducer) {
    return new LearnerContext(
        batch,
        SIZE,
        11,
        5e-3,
        type,
        reducer,
        uri -> {
          throw new IllegalStateException(uri);
        },
        uri -> {
          throw new IllegalStateException(uri);
        });
  }

  static Learner learner(int batch, DataType type) {
    return config().create(context(batch, type, Reducer.ALONE));
  }

  /** Pictures {@code from} to {@code from + count} of one step's batch: coloured waves. */
  static Batch batch(long step, int from, int count) {
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    float[] pictures = new float[count * ELEMENTS];
    int at = 0;
    for (int i = from; i < from + count; i++) {
      Random random = new Random(1000 * step + i);
      keys.add("picture-%d-%d".formatted(step, i));
      captions.add("");
      for (int c = 0; c < 3; c++) {
        double across = random.nextGaussian() / 2;
        double down = random.nextGaussian() / 2;
        double phase = 6 * random.nextDouble();
        for (int p = 0; p < SIZE * SIZE; p++) {
          int row = p / SIZE;
          double wave = across * (p % SIZE) + down * row + phase;
          pictures[at++] = (float) (0.9 * Math.sin(wave));
        }
      }
    }
    return new Batch(keys, pictures, captions);
  }
}

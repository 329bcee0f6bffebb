package org.talespark.zoo.diffusion;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Reducer;

/** A small network, pictures, learners and workers for tests. */
final class Learners {
  static final int SIZE = 8;
  static final int ELEMENTS = 3 * SIZE * SIZE;

  private Learners() {}

  /** Three convolutions; the time is added behind the first. */
  record ThreeLayers(int width) implements DenoisingNetwork {
    @Override
    public int channels() {
      return 3;
    }

    @Override
    public int timeFeatures() {
      return 16;
    }

    @Override
    public SDVariable build(
        Layers layers, SDVariable sample, SDVariable timeFeatures, int batch, int side) {
      Ops ops = layers.ops();
      SDVariable time = layers.linear("time", timeFeatures, timeFeatures(), width); // [B, width]
      SDVariable x = layers.conv("first", sample, 3, width, 3, 1, 1);
      x = ops.silu(x.add(ops.reshape(time, batch, width, 1, 1)));
      x = ops.silu(layers.conv("second", x, width, width, 3, 1, 1));
      return layers.conv("third", x, width, 3, 3, 1, 1);
    }
  }

  static DiffusionLearnerConfig config(
      int width, NoiseConfig noise, Prediction prediction, LossWeighting weighting) {
    return new DiffusionLearnerConfig(
        new ThreeLayers(width),
        noise,
        prediction,
        weighting,
        4,
        new Sampler.Ddim(10, 0, Spacing.TRAILING),
        new OptimizerConfig.AdamW(0.9, 0.99, 1e-8, 0.01),
        new Schedule.Constant(),
        1,
        0.99);
  }

  static DiffusionLearnerConfig config() {
    return config(
        6,
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

  /** All live arrays. */
  static Map<String, INDArray> arrays(Learner learner) {
    Map<String, INDArray> all = new LinkedHashMap<>();
    learner.model().forEach((name, array) -> all.put("model/" + name, array));
    learner.ema().forEach((name, array) -> all.put("ema/" + name, array));
    learner.state().forEach((name, array) -> all.put("state/" + name, array));
    return all;
  }

  static Map<String, INDArray> copies(Learner learner) {
    Map<String, INDArray> all = arrays(learner);
    all.replaceAll((name, array) -> array.dup());
    return all;
  }

  static double largestDifference(INDArray a, INDArray b) {
    return a.sub(b).amaxNumber().doubleValue();
  }

  /** Workers in one process, one a thread. */
  static final class Exchange {
    private final CyclicBarrier barrier;
    private final INDArray[] parts;
    private INDArray total;

    Exchange(int workers) {
      barrier = new CyclicBarrier(workers);
      parts = new INDArray[workers];
    }

    Reducer reducer(int rank) {
      return new Reducer() {
        @Override
        public int rank() {
          return rank;
        }

        @Override
        public int workers() {
          return parts.length;
        }

        @Override
        public void sum(INDArray flat) {
          parts[rank] = flat;
          await();
          if (rank == 0) {
            total = parts[0].dup();
            for (int r = 1; r < parts.length; r++) {
              total.addi(parts[r]);
            }
          }
          await();
          flat.assign(total);
          await();
        }
      };
    }

    private void await() {
      try {
        barrier.await(60, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new IllegalStateException("Cannot exchange: another worker failed", e);
      }
    }
  }
}

package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.talespark.zoo.train.LearnerArrays.arrays;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;

/** Small models and pictures. */
final class Fixtures {
  static final int SIZE = 16;
  static final FeatureNetwork.Config FEATURES =
      new FeatureNetwork.Config(
          List.of(4, 6), List.of(1, 2), List.of(0.5, 0.4, 0.5), List.of(0.25, 0.25, 0.3));

  private static final double EQUIVARIANCE = 0.25;

  private Fixtures() {}

  static VectorQuantizer.Config quantizer(VectorQuantizer.Learning learning) {
    int codes = learning == VectorQuantizer.Learning.GRID ? 256 : 16;
    return new VectorQuantizer.Config(
        codes, 4, learning, VectorQuantizer.Similarity.EUCLIDEAN, 0.25, 0.9, 0.05);
  }

  static VqVae.Config vqVae(VectorQuantizer.Learning learning) {
    return new VqVae.Config(8, 2, quantizer(learning));
  }

  /** Two levels, attention, a change of width. */
  static VqGan.Config vqGan(VectorQuantizer.Learning learning) {
    return new VqGan.Config(List.of(4, 8), 1, 4, 2, true, quantizer(learning));
  }

  static VqLearnerConfig plain(VqModelConfig model) {
    return config(model, 0, null, null);
  }

  /** A VQ-GAN with all losses. */
  static VqLearnerConfig full(VectorQuantizer.Learning learning) {
    return config(
        vqGan(learning),
        EQUIVARIANCE,
        new VqLearnerConfig.Perceptual("features", 0.5, PerceptualLoss.UNIT_MAPS),
        adversarial(PatchDiscriminator.Norm.NONE, 0));
  }

  /**
   * With all losses; the discriminator comes late and slowly, as in real runs. Maps are not brought
   * to unit length: where one is nearly zero, that would multiply rounding by up to 1e5.
   */
  static VqLearnerConfig gentle() {
    VqLearnerConfig full = full(VectorQuantizer.Learning.EMA);
    return config(
        full.model(),
        EQUIVARIANCE,
        new VqLearnerConfig.Perceptual("features", 0.5, PerceptualLoss.LAST_MAP),
        new VqLearnerConfig.Adversarial(
            AdversarialLoss.HINGE, 0.1, 0.5, 0.2, 4, PatchDiscriminator.Norm.NONE, 1e-4));
  }

  static VqLearnerConfig.Adversarial adversarial(PatchDiscriminator.Norm norm, double start) {
    return new VqLearnerConfig.Adversarial(AdversarialLoss.HINGE, 0.8, start, 0, 4, norm, 1e-3);
  }

  static VqLearnerConfig config(
      VqModelConfig model,
      double equivarianceWeight,
      VqLearnerConfig.Perceptual perceptual,
      VqLearnerConfig.Adversarial adversarial) {
    return new VqLearnerConfig(
        model,
        new OptimizerConfig.AdamW(0.9, 0.99, 1e-8, 0.01),
        new Schedule.Constant(),
        1,
        0.5,
        1,
        equivarianceWeight,
        perceptual,
        adversarial,
        1,
        0.99);
  }

  static LearnerContext context(int batch, DataType type, Reducer reducer) {
    return context(batch, type, reducer, 2e-3);
  }

  static LearnerContext context(int batch, DataType type, Reducer reducer, double rate) {
    return new LearnerContext(
        batch, SIZE, 11, rate, type, reducer, uri -> features(), uri -> new byte[0]);
  }

  /** A feature network of random weights. */
  static Pretrained features() {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 99);
    FeatureNetwork.maps(FEATURES, layers, ops.input("x", 1, 3, SIZE, SIZE));
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (String name : layers.names()) {
      tensors.put(name, ops.graph().getVariable(name).getArr());
    }
    return new Pretrained(
        new ObjectMapper().valueToTree(Map.of("network", FEATURES)), tensors, Map.of());
  }

  /** Pictures {@code from} to {@code from + count} of one step's batch: coloured waves. */
  static Batch batch(long step, int from, int count) {
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    float[] pictures = new float[count * 3 * SIZE * SIZE];
    int at = 0;
    for (int i = from; i < from + count; i++) {
      Random random = new Random(1000 * step + i);
      keys.add("picture-%d-%d".formatted(step, i));
      captions.add("");
      for (int c = 0; c < 3; c++) {
        double fx = random.nextGaussian() / 3;
        double fy = random.nextGaussian() / 3;
        double phase = 6 * random.nextDouble();
        for (int y = 0; y < SIZE; y++) {
          for (int x = 0; x < SIZE; x++) {
            pictures[at++] = (float) (0.9 * Math.sin(fx * x + fy * y + phase));
          }
        }
      }
    }
    return new Batch(keys, pictures, captions);
  }

  static Progress progress(long step) {
    return new Progress(step, Math.min(1, step / 100.0));
  }

  static void load(Learner learner, Map<String, INDArray> saved, Map<String, Long> counters) {
    Map<String, INDArray> live = arrays(learner);
    assertThat(live.keySet()).isEqualTo(saved.keySet());
    saved.forEach((name, array) -> live.get(name).assign(array));
    learner.restored(counters);
  }
}

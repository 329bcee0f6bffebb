package org.talespark.jobs.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ThresholdCodecTest {
  private static final SharingConfig FIXED = SharingConfig.defaults().withFixedThreshold(0.0123);

  /** Lengths around blocks and bitmap words; spreads from nearly nothing to everything sent. */
  @ParameterizedTest
  @CsvSource({"1, 1", "15, 1", "16, 0.01", "17, 0.005", "8192, 0.004", "20011, 0.001", "20011, 3"})
  void messageAndResidualAreTheUpdateBitForBit(int length, double spread) {
    try (ThresholdCodec codec = new ThresholdCodec(FIXED, length)) {
      float[] before = new float[length];
      for (int step = 0; step < 5; step++) {
        float[] update = gaussian(length, spread, 7 + step);
        float[] wanted = new float[length];
        for (int i = 0; i < length; i++) {
          wanted[i] = update[i] + before[i];
        }

        EncodedUpdate encoded = codec.encode(Nd4j.createFromArray(update));

        float[] sent = decoded(encoded);
        before = codec.state().residual().toFloatVector();
        for (int i = 0; i < length; i++) {
          assertThat(sent[i] + before[i]).isEqualTo(wanted[i]);
        }
        assertThat(encoded.fault()).isNull();
      }
    }
  }

  @Test
  void everyElementIsSentAsThePlainRuleSays() {
    try (ThresholdCodec codec = new ThresholdCodec(FIXED, 20_011)) {
      float t = codec.threshold();
      float[] update = gaussian(20_011, 0.008, 1);

      float[] sent = decoded(codec.encode(Nd4j.createFromArray(update)));

      for (int i = 0; i < update.length; i++) {
        float wanted = Math.abs(update[i]) < t ? 0 : Math.copySign(t, update[i]);
        assertThat(sent[i]).isEqualTo(wanted);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void bothFormsDecodeToTheSame(boolean dense) {
    int length = 1000;
    float[] update = new float[length];
    int count = dense ? length / 16 + 1 : length / 16;
    for (int i = 0; i < count; i++) {
      update[7 * i] = i % 2 == 0 ? 1 : -1;
    }
    try (ThresholdCodec codec = new ThresholdCodec(FIXED, length)) {
      EncodedUpdate encoded = codec.encode(Nd4j.createFromArray(update));

      assertThat(encoded.bitmap()).isEqualTo(dense);
      assertThat(encoded.count()).isEqualTo(count);
      assertThat(encoded.body().length).isLessThanOrEqualTo((length + 15) / 16);
      float[] sent = decoded(encoded);
      for (int i = 0; i < length; i++) {
        assertThat(sent[i]).isEqualTo(update[i] * encoded.threshold());
      }
    }
  }

  @Test
  void whatIsSentOverTimeIsWhatWasGiven() {
    int length = 500;
    int steps = 400;
    double[] given = new double[length];
    double[] sent = new double[length];
    try (ThresholdCodec codec = new ThresholdCodec(FIXED, length)) {
      float[] update = gaussian(length, 0.004, 3); // the same gradient again and again
      for (int step = 0; step < steps; step++) {
        float[] now = decoded(codec.encode(Nd4j.createFromArray(update)));
        for (int i = 0; i < length; i++) {
          given[i] += update[i];
          sent[i] += now[i];
        }
      }
      for (int i = 0; i < length; i++) {
        assertThat(sent[i]).isCloseTo(given[i], within((double) codec.threshold() + 1e-5));
      }
    }
  }

  @Test
  void theThresholdFollowsTheShareThatIsSent() {
    SharingConfig config = SharingConfig.defaults();
    int length = 100_000;
    for (double spread : new double[] {1e-5, 10}) {
      try (ThresholdCodec codec = new ThresholdCodec(config, length)) {
        double last = 0;
        for (int step = 0; step < 400; step++) {
          INDArray update = Nd4j.createFromArray(gaussian(length, spread, step));
          last = (double) codec.encode(update).count() / length;
        }
        assertThat(last).isBetween(config.minSparsity() / 2, config.maxSparsity() * 2);
      }
    }
  }

  @Test
  void theThresholdIsHalvedAndDoubledInTwentyUpdates() {
    AdaptiveThreshold threshold = new AdaptiveThreshold(SharingConfig.defaults());
    for (int i = 0; i < 20; i++) {
      threshold.sent(0);
    }
    assertThat(threshold.exact()).isCloseTo(0.0005, within(1e-12));
    for (int i = 0; i < 20; i++) {
      threshold.sent(1);
    }
    assertThat(threshold.exact()).isCloseTo(0.001, within(1e-12));
    threshold.sent(0.001);
    assertThat(threshold.exact()).isCloseTo(0.001, within(1e-12));
    assertThat(threshold.value()).isCloseTo(0.001f, within(0.001f / 256));
  }

  @Test
  void residualsAreCutAtTheMultipleOfTheThreshold() {
    SharingConfig config = SharingConfig.defaults();
    try (ThresholdCodec codec = new ThresholdCodec(config, 2)) {
      for (int step = 0; step < 6; step++) {
        codec.encode(Nd4j.createFromArray(1f, -1f));
      }
      double most = config.residualClip() * 1e-3 * 2;
      float[] residual = codec.state().residual().toFloatVector();
      assertThat(residual[0]).isBetween(0f, (float) most);
      assertThat(residual[1]).isBetween((float) -most, 0f);
    }
  }

  @Test
  void aRestoredCodecGoesOnAsTheOther() {
    SharingConfig config = SharingConfig.defaults();
    try (ThresholdCodec codec = new ThresholdCodec(config, 3000);
        ThresholdCodec other = new ThresholdCodec(config, 3000)) {
      for (int step = 0; step < 7; step++) {
        codec.encode(Nd4j.createFromArray(gaussian(3000, 0.01, step)));
      }
      other.restore(codec.state());
      for (int step = 7; step < 14; step++) {
        INDArray update = Nd4j.createFromArray(gaussian(3000, 0.01, step));
        assertThat(other.encode(update).body()).isEqualTo(codec.encode(update).body());
        assertThat(other.threshold()).isEqualTo(codec.threshold());
      }
    }
  }

  @Test
  void updatesThatAreNotFiniteOrNotFlatAreRefused() {
    try (ThresholdCodec codec = new ThresholdCodec(FIXED, 4)) {
      assertThatIllegalStateException()
          .isThrownBy(() -> codec.encode(Nd4j.createFromArray(1f, Float.NaN, 0f, 0f)))
          .withMessageContaining("not finite");
      assertThatIllegalStateException()
          .isThrownBy(
              () -> codec.encode(Nd4j.createFromArray(1f, 0f, Float.NEGATIVE_INFINITY, 0f)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> codec.encode(Nd4j.zeros(DataType.DOUBLE, 4)))
          .withMessageContaining("expected FLOAT [4]");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> codec.encode(Nd4j.zeros(DataType.FLOAT, 5)));
    }
  }

  private static float[] decoded(EncodedUpdate update) {
    INDArray target = Nd4j.zeros(DataType.FLOAT, update.length());
    update.addTo(FloatBlocks.of("test", target, update.length()));
    return target.toFloatVector();
  }

  private static float[] gaussian(int length, double spread, long seed) {
    Random random = new Random(seed);
    float[] out = new float[length];
    for (int i = 0; i < length; i++) {
      out[i] = (float) (spread * random.nextGaussian());
    }
    return out;
  }
}

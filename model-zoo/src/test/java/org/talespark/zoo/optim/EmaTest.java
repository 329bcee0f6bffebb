package org.talespark.zoo.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class EmaTest {
  private static final int LENGTH = FlatArray.BLOCK + 3;

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void movesAsTheFormulaSays(DataType type) {
    INDArray parameters = Nd4j.create(type, LENGTH);
    Ema ema = new Ema(0.5, parameters);
    double expected = 0;
    for (int t = 0; t < 30; t++) {
      parameters.assign(t + 1);
      ema.update(parameters);
      double d = Math.min(0.5, (1.0 + t) / (10.0 + t));
      expected = d * expected + (1 - d) * (t + 1);
      double tolerance = type == DataType.FLOAT ? 1e-5 : 1e-13;
      assertThat(ema.average().getDouble(0)).isCloseTo(expected, within(tolerance));
      assertThat(ema.average().getDouble(LENGTH - 1)).isEqualTo(ema.average().getDouble(0));
      assertThat(parameters.getDouble(0)).isEqualTo(t + 1);
    }
    assertThat(ema.updates()).isEqualTo(30);
  }

  @Test
  void warmsUpToItsDecay() {
    Ema ema = new Ema(0.9999, Nd4j.ones(DataType.FLOAT, 1));
    assertThat(ema.decayAt(0)).isEqualTo(0.1);
    assertThat(ema.decayAt(8)).isEqualTo(0.5);
    assertThat(ema.decayAt(1_000_000)).isEqualTo(0.9999);
  }

  @Test
  void settlesOnConstantParametersInSinglePrecision() {
    INDArray parameters = Nd4j.valueArrayOf(new long[] {4}, 0.7, DataType.FLOAT);
    Ema ema = new Ema(0.9999, Nd4j.create(DataType.FLOAT, 4));
    ema.restore(1_000_000, parameters);
    for (int i = 0; i < 20_000; i++) {
      ema.update(parameters);
    }
    assertThat(ema.average().getFloat(0)).isEqualTo(0.7f);
  }

  @Test
  void restoredAveragesContinueBitForBit() {
    INDArray parameters = Nd4j.rand(DataType.FLOAT, LENGTH);
    Ema ema = new Ema(0.99, parameters);
    Ema other = new Ema(0.99, Nd4j.create(DataType.FLOAT, LENGTH));
    for (int i = 0; i < 10; i++) {
      if (i == 4) {
        other.restore(ema.updates(), ema.average());
      }
      parameters.addi(0.1);
      ema.update(parameters);
      if (i >= 4) {
        other.update(parameters);
      }
    }
    assertThat(other.average().toFloatVector()).isEqualTo(ema.average().toFloatVector());
    assertThat(other.updates()).isEqualTo(10);
  }

  @Test
  void startsAsACopyAndRefusesWhatDoesNotFit() {
    INDArray parameters = Nd4j.ones(DataType.FLOAT, 3);
    Ema ema = new Ema(0.9, parameters);
    parameters.assign(5);
    assertThat(ema.average().getFloat(1)).isEqualTo(1);
    assertThatThrownBy(() -> new Ema(1, parameters)).hasMessageContaining("ema_decay=1.0");
    assertThatThrownBy(() -> ema.update(Nd4j.ones(DataType.DOUBLE, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("type=DOUBLE");
    assertThatThrownBy(() -> ema.restore(1, Nd4j.ones(DataType.FLOAT, 4)))
        .hasMessageContaining("length=4");
    assertThatThrownBy(() -> ema.restore(-1, parameters)).hasMessageContaining("updates=-1");
  }
}

package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;

class ReluGradientKernelsTest {
  private static final float[] SPECIAL = {
    0f,
    -0f,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    Float.MIN_NORMAL,
    -Float.MIN_NORMAL,
    1f,
    -1f,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN,
    Float.intBitsToFloat(0xffc00000),
    Float.intBitsToFloat(0x7f800001),
    1e-40f
  };

  @ParameterizedTest
  @ValueSource(strings = {"relu_bp", "thresholdedrelu_bp"})
  void isBitEqualToNd4jForEveryPairOfSpecialValues(String name) {
    int n = SPECIAL.length;
    float[] x = new float[n * n];
    float[] g = new float[n * n];
    for (int i = 0; i < x.length; i++) {
      x[i] = SPECIAL[i / n];
      g[i] = SPECIAL[i % n];
    }
    assertBitEqual(name, x, g);
  }

  @ParameterizedTest
  @ValueSource(strings = {"relu_bp", "thresholdedrelu_bp"})
  void isBitEqualToNd4jAcrossBlocks(String name) {
    SplittableRandom random = new SplittableRandom(7);
    float[] x = new float[3 * 4096 + 13];
    float[] g = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
      g[i] = (float) random.nextGaussian();
    }
    assertBitEqual(name, x, g);
  }

  @Test
  void otherThresholdsAreLeftToNd4j() {
    INDArray x = Nd4j.createFromArray(1f, 2f);
    DynamicCustomOp op = op("thresholdedrelu_bp", 0.5);
    assertThat(new ReluGradientKernels().bind(call(op, x, x.dup(), x.ulike()))).isEmpty();
  }

  private static void assertBitEqual(String name, float[] x, float[] g) {
    INDArray input = Nd4j.createFromArray(x);
    INDArray gradient = Nd4j.createFromArray(g);
    INDArray expected = input.ulike();
    INDArray output = input.ulike();
    new DefaultKernels().bind(call(op(name, 0), input, gradient, expected)).orElseThrow().run();
    new ReluGradientKernels().bind(call(op(name, 0), input, gradient, output)).orElseThrow().run();
    assertThat(bits(output)).isEqualTo(bits(expected));
    // the plan lets it write over its gradient
    new ReluGradientKernels()
        .bind(call(op(name, 0), input, gradient, gradient))
        .orElseThrow()
        .run();
    assertThat(bits(gradient)).isEqualTo(bits(expected));
  }

  private static DynamicCustomOp op(String name, double threshold) {
    DynamicCustomOp op = DynamicCustomOp.builder(name).build();
    op.addTArgument(threshold);
    return op;
  }

  private static OpCall call(DynamicCustomOp op, INDArray x, INDArray g, INDArray out) {
    OpContext context = Nd4j.getExecutioner().buildContext();
    Lowering.parameterize(op, new INDArray[] {x, g}, context);
    context.setOutputArray(0, out);
    return new OpCall(op, List.of(x, g), List.of(out), context);
  }

  private static int[] bits(INDArray array) {
    int[] bits = new int[Math.toIntExact(array.length())];
    FloatMemory.bits(array).get(0, bits);
    return bits;
  }
}

package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.runtime.NativeRuntime;

class ConvolutionKernelsTest {
  private static final int BATCH = 2;
  private static final float UNTOUCHED = 7;

  /** Sides of a convolution's input, its kernel, stride, padding mode and weight format. */
  private record Sizes(int in, int out, int side, int k, int stride, int same, int format) {

    int outSide() {
      return same == 1 ? (side + stride - 1) / stride : (side + 2 - k) / stride + 1;
    }

    int transposedSide() {
      return (side - 1) * stride - 2 + k;
    }

    long[] weights(boolean transposed) {
      int a = transposed ? out : in;
      int b = transposed ? in : out;
      return switch (format) {
        case 0 -> new long[] {k, k, a, b};
        case 1 -> new long[] {b, a, k, k};
        default -> new long[] {b, k, k, a};
      };
    }

    long[] input() {
      return new long[] {BATCH, in, side, side};
    }

    long[] output(boolean transposed) {
      int s = transposed ? transposedSide() : outSide();
      return new long[] {BATCH, out, s, s};
    }

    DynamicCustomOp op(String name) {
      DynamicCustomOp op = DynamicCustomOp.builder(name).build();
      int padding = same == 1 ? 0 : 1;
      op.addIArgument(k, k, stride, stride, padding, padding, 1, 1, same, 0, format);
      return op;
    }
  }

  @Test
  void oneDnnIsCalledWhereNd4jItselfRunsOnIt() {
    String build = NativeRuntime.initialize(NativeRuntime.Settings.threads(2)).build();
    assertThat(OneDnn.shared().isPresent()).isEqualTo(build.contains("onednn"));
  }

  @ParameterizedTest
  @CsvSource({
    "3, 32, 16, 4, 2, 0, 0", "5, 7, 9, 3, 1, 1, 1", "16, 3, 12, 3, 1, 0, 2",
    "16, 16, 11, 3, 2, 1, 0", "24, 24, 8, 1, 1, 1, 1", "32, 16, 12, 5, 1, 0, 1"
  })
  void aConvolutionIsBitEqualToNd4js(
      int in, int out, int side, int k, int stride, int same, int format) {
    check(new Sizes(in, out, side, k, stride, same, format), false, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "64, 64, 16, 3, 1, 0, 1",
    "32, 48, 8, 3, 1, 0, 1",
    "96, 32, 13, 3, 1, 1, 0",
    "16, 16, 32, 3, 1, 0, 2",
    "128, 128, 4, 3, 1, 0, 1"
  })
  void aConvolutionByWinogradIsEqualToNd4jsUpToRounding(
      int in, int out, int side, int k, int stride, int same, int format) {
    check(new Sizes(in, out, side, k, stride, same, format), false, 2e-5);
  }

  @ParameterizedTest
  @CsvSource({"32, 3, 8, 4, 2, 0, 0", "16, 32, 5, 4, 2, 0, 1", "5, 7, 6, 3, 1, 0, 2"})
  void aTransposedConvolutionIsBitEqualToNd4js(
      int in, int out, int side, int k, int stride, int same, int format) {
    check(new Sizes(in, out, side, k, stride, same, format), true, 0);
  }

  /** With a worst error as a share of the largest value, 0 for the same bits. */
  private static void check(Sizes sizes, boolean transposed, double tolerance) {
    INDArray x = Nd4j.rand(DataType.FLOAT, sizes.input()).subi(0.5);
    INDArray w = Nd4j.rand(DataType.FLOAT, sizes.weights(transposed)).subi(0.5);
    INDArray b = Nd4j.rand(DataType.FLOAT, sizes.out()).subi(0.5);
    INDArray g = Nd4j.rand(DataType.FLOAT, sizes.output(transposed)).subi(0.5);
    String name = transposed ? "deconv2d" : "conv2d";
    for (List<INDArray> weights : List.of(List.of(x, w), List.of(x, w, b))) {
      compare(sizes.op(name), weights, Set.of(), tolerance, g.shape());
      List<INDArray> inputs = new ArrayList<>(weights);
      inputs.add(g);
      long[][] gradients = weights.stream().map(INDArray::shape).toArray(long[][]::new);
      for (Set<Integer> unused : List.of(Set.<Integer>of(), Set.of(0), Set.of(1, 2))) {
        compare(sizes.op(name + "_bp"), inputs, unused, tolerance, gradients);
      }
    }
  }

  /**
   * Runs both kernels on fresh outputs; unused ones stay untouched. Without oneDNN there is only
   * ND4J's.
   */
  private static void compare(
      DynamicCustomOp op,
      List<INDArray> inputs,
      Set<Integer> unused,
      double tolerance,
      long[]... outputs) {
    OpCall expected = call(op, inputs, Set.of(), null, outputs);
    new DefaultKernels().bind(expected).orElseThrow().run();
    ConvolutionKernels kernels = new ConvolutionKernels();
    long scratch = kernels.scratch(OpShapes.of(expected));
    if (OneDnn.shared().isEmpty()) {
      assertThat(scratch).isZero();
      assertThat(kernels.bind(expected)).isEmpty();
      return;
    }
    INDArray memory = Nd4j.createUninitialized(DataType.FLOAT, scratch);
    OpCall direct = call(op, inputs, unused, memory, outputs);
    Kernel kernel = kernels.bind(direct).orElseThrow();
    kernel.run();
    kernel.run();
    for (int i = 0; i < outputs.length; i++) {
      float[] found = direct.outputs().get(i).data().asFloat();
      boolean weights = op.opName().endsWith("_bp") && i > 0;
      boolean skipped = unused.contains(i) || (weights && unused.containsAll(Set.of(1, 2)));
      if (skipped) {
        assertThat(found).containsOnly(UNTOUCHED);
      } else {
        float[] wanted = expected.outputs().get(i).data().asFloat();
        assertThat(worst(found, wanted)).as("output %d", i).isLessThanOrEqualTo(tolerance);
      }
    }
  }

  /** The largest difference as a share of the largest wanted value. */
  private static double worst(float[] found, float[] wanted) {
    assertThat(found).hasSameSizeAs(wanted);
    double difference = 0;
    double largest = 0;
    for (int i = 0; i < wanted.length; i++) {
      difference = Math.max(difference, Math.abs((double) found[i] - wanted[i]));
      largest = Math.max(largest, Math.abs(wanted[i]));
    }
    return difference / largest;
  }

  private static OpCall call(
      DynamicCustomOp op,
      List<INDArray> inputs,
      Set<Integer> unused,
      INDArray scratch,
      long[]... outputs) {
    OpContext context = Nd4j.getExecutioner().buildContext();
    Lowering.parameterize(op, inputs.toArray(INDArray[]::new), context);
    List<INDArray> out =
        Arrays.stream(outputs)
            .map(shape -> Nd4j.valueArrayOf(shape, UNTOUCHED, DataType.FLOAT))
            .toList();
    for (int i = 0; i < out.size(); i++) {
      context.setOutputArray(i, out.get(i));
    }
    return new OpCall(op, inputs, out, context, unused, scratch);
  }

  @Test
  void otherConvolutionsAreLeftToNd4j() {
    Sizes sizes = new Sizes(4, 4, 8, 3, 1, 0, 1);
    INDArray x = Nd4j.rand(DataType.DOUBLE, sizes.input());
    INDArray w = Nd4j.rand(DataType.DOUBLE, sizes.weights(false));
    assertThat(bind(call(sizes.op("conv2d"), List.of(x, w), Set.of(), null, sizes.output(false))))
        .isEmpty();
    DynamicCustomOp dilated = DynamicCustomOp.builder("conv2d").build();
    dilated.addIArgument(3, 3, 1, 1, 2, 2, 2, 2, 0, 0, 1);
    List<INDArray> floats = List.of(x.castTo(DataType.FLOAT), w.castTo(DataType.FLOAT));
    assertThat(bind(call(dilated, floats, Set.of(), null, sizes.output(false)))).isEmpty();
    DynamicCustomOp sum = DynamicCustomOp.builder("add").build();
    assertThat(
            bind(call(sum, List.of(floats.get(0), floats.get(0)), Set.of(), null, sizes.input())))
        .isEmpty();
  }

  private static Optional<Kernel> bind(OpCall call) {
    return new ConvolutionKernels().bind(call);
  }
}

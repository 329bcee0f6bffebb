package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

class LayerNormKernelsTest {
  private static final KernelProvider ND4J = new DefaultKernels();

  @ParameterizedTest
  @CsvSource({
    "2, 300, 256, 2",
    "4, 256, 256, 3",
    "1, 7, 33, 2",
    "3, 5, 16, 1",
    "1, 1, 24, 2",
    "0, 1024, 128, 2",
    "0, 3, 8, 4"
  })
  void itIsBitEqualToNd4jsForwardAndBackward(int batch, int tokens, int width, int threads) {
    long[] shape = batch == 0 ? new long[] {tokens, width} : new long[] {batch, tokens, width};
    INDArray x = Nd4j.randn(DataType.FLOAT, shape);
    INDArray gain = Nd4j.rand(DataType.FLOAT, width);
    INDArray bias = Nd4j.rand(DataType.FLOAT, width);
    INDArray g = Nd4j.randn(DataType.FLOAT, shape);
    for (List<INDArray> norm : List.of(List.of(x, gain), List.of(x, gain, bias))) {
      compare("layer_norm", threads, norm, List.of(shape));
      List<INDArray> inputs = new ArrayList<>(norm);
      inputs.add(g);
      compare("layer_norm_bp", threads, inputs, norm.stream().map(INDArray::shape).toList());
    }
  }

  private static void compare(
      String name, int threads, List<INDArray> inputs, List<long[]> outputs) {
    long axis = inputs.get(0).rank() - 1L;
    OpCall expected = call(name, axis, false, inputs, outputs, 0);
    ND4J.bind(expected).orElseThrow().run();
    LayerNormKernels kernels = new LayerNormKernels(threads, ND4J);
    long scratch = kernels.scratch(OpShapes.of(expected));
    OpCall split = call(name, axis, false, inputs, outputs, scratch);
    Kernel kernel = kernels.bind(split).orElseThrow();
    kernel.run();
    kernel.run();
    for (int i = 0; i < outputs.size(); i++) {
      assertThat(split.outputs().get(i).data().asFloat())
          .isEqualTo(expected.outputs().get(i).data().asFloat());
    }
  }

  private static OpCall call(
      String name,
      long axis,
      boolean channelsFirst,
      List<INDArray> inputs,
      List<long[]> outputs,
      long scratch) {
    DynamicCustomOp op = DynamicCustomOp.builder(name).build();
    op.addIArgument(axis);
    op.addBArgument(channelsFirst);
    List<INDArray> out =
        outputs.stream().map(s -> Nd4j.create(inputs.get(0).dataType(), s)).toList();
    INDArray memory = scratch == 0 ? null : Nd4j.create(DataType.FLOAT, scratch);
    return new OpCall(
        op, inputs, out, Lowering.context(op, inputs, out), java.util.Set.of(), memory);
  }

  @Test
  void otherAxesAndTypesAreLeftToNd4j() {
    LayerNormKernels kernels = new LayerNormKernels(2, ND4J);
    INDArray x = Nd4j.rand(DataType.FLOAT, 2, 4, 6);
    INDArray ofChannels = Nd4j.rand(DataType.FLOAT, 4);
    List<long[]> shape = Arrays.asList(new long[][] {x.shape()});
    assertThat(kernels.bind(call("layer_norm", 2, true, List.of(x, ofChannels), shape, 0)))
        .isEmpty();
    INDArray gain = Nd4j.rand(DataType.FLOAT, 6);
    assertThat(kernels.bind(call("layer_norm", 1, false, List.of(x, gain), shape, 0))).isEmpty();
    List<INDArray> doubles = List.of(x.castTo(DataType.DOUBLE), gain.castTo(DataType.DOUBLE));
    assertThat(kernels.bind(call("layer_norm", 2, false, doubles, shape, 0))).isEmpty();
    assertThat(kernels.bind(call("add", 2, false, List.of(x, x), shape, 0))).isEmpty();
  }
}

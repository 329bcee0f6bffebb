package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;

class BatchedProductKernelsTest {
  private static final KernelProvider ND4J = new DefaultKernels();

  @ParameterizedTest
  @CsvSource({"FLOAT, 0, 2", "FLOAT, 1, 2", "FLOAT, 1, 3", "FLOAT, 0, 9", "DOUBLE, 1, 2"})
  void aProductIsBitEqualToNd4js(DataType type, int transposed, int threads) {
    INDArray a = Nd4j.rand(type, 5, 3, 17, 40);
    INDArray b = transposed == 1 ? Nd4j.rand(type, 5, 3, 33, 40) : Nd4j.rand(type, 5, 3, 40, 33);
    assertBitEqual("matmul", threads, transposed, List.of(a, b), new long[] {5, 3, 17, 33});
  }

  @ParameterizedTest
  @CsvSource({"FLOAT, 0, 2", "FLOAT, 1, 2", "FLOAT, 1, 3", "DOUBLE, 0, 2"})
  void itsGradientsAreBitEqualToNd4js(DataType type, int transposed, int threads) {
    INDArray a = Nd4j.rand(type, 4, 70, 32);
    INDArray b = transposed == 1 ? Nd4j.rand(type, 4, 50, 32) : Nd4j.rand(type, 4, 32, 50);
    INDArray g = Nd4j.rand(type, 4, 70, 50);
    assertBitEqual(
        "matmul_bp", threads, transposed, List.of(a, b, g), a.shape().clone(), b.shape().clone());
  }

  @Test
  void aBatchOfTwoIsSharedOutToo() {
    for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
      INDArray a = Nd4j.rand(type, 2, 3, 5);
      INDArray b = Nd4j.rand(type, 2, 4, 5);
      assertBitEqual("matmul", 2, 1, List.of(a, b), new long[] {2, 3, 4});
      INDArray g = Nd4j.rand(type, 2, 3, 4);
      assertBitEqual(
          "matmul_bp", 2, 1, List.of(a, b, g), new long[] {2, 3, 5}, new long[] {2, 4, 5});
    }
  }

  @Test
  void otherProductsAreLeftToNd4j() {
    INDArray batch = Nd4j.rand(DataType.FLOAT, 2, 3, 4);
    INDArray matrix = Nd4j.rand(DataType.FLOAT, 4, 5);
    assertThat(bind(2, call("matmul", 0, List.of(batch, matrix), new long[] {2, 3, 5}))).isEmpty();
    assertThat(bind(2, call("matmul", 0, List.of(matrix, matrix.dup()), new long[] {4, 5})))
        .isEmpty();
    INDArray one = Nd4j.rand(DataType.FLOAT, 1, 4, 4);
    assertThat(bind(2, call("matmul", 0, List.of(one, one.dup()), new long[] {1, 4, 4}))).isEmpty();
    INDArray two = Nd4j.rand(DataType.FLOAT, 2, 4, 4);
    assertThat(bind(1, call("matmul", 0, List.of(two, two.dup()), new long[] {2, 4, 4}))).isEmpty();
    assertThat(bind(2, call("add", 0, List.of(two, two.dup()), new long[] {2, 4, 4}))).isEmpty();
  }

  @Test
  void aFailureInAnyPartIsTheKernels() {
    INDArray a = Nd4j.rand(DataType.FLOAT, 2, 4, 4);
    KernelProvider failing =
        part ->
            Optional.of(
                () -> {
                  if (part.inputs().get(0).data().addressPointer().address()
                      != a.data().addressPointer().address()) {
                    throw new IllegalStateException("second part");
                  }
                });
    Kernel kernel =
        new BatchedProductKernels(2, failing)
            .bind(call("matmul", 0, List.of(a, a.dup()), new long[] {2, 4, 4}))
            .orElseThrow();
    assertThatThrownBy(kernel::run).hasStackTraceContaining("second part");
  }

  private static void assertBitEqual(
      String name, int threads, int transposed, List<INDArray> inputs, long[]... outputs) {
    OpCall expected = call(name, transposed, inputs, outputs);
    OpCall split = call(name, transposed, inputs, outputs);
    ND4J.bind(expected).orElseThrow().run();
    bind(threads, split).orElseThrow().run();
    for (int i = 0; i < outputs.length; i++) {
      assertThat(split.outputs().get(i).data().asDouble())
          .isEqualTo(expected.outputs().get(i).data().asDouble());
    }
  }

  private static Optional<Kernel> bind(int threads, OpCall call) {
    return new BatchedProductKernels(threads, ND4J).bind(call);
  }

  private static OpCall call(
      String name, int transposed, List<INDArray> inputs, long[]... outputs) {
    DynamicCustomOp op = DynamicCustomOp.builder(name).build();
    op.addIArgument(0, transposed, 0);
    OpContext context = Nd4j.getExecutioner().buildContext();
    Lowering.parameterize(op, inputs.toArray(INDArray[]::new), context);
    List<INDArray> out =
        Arrays.stream(outputs).map(shape -> Nd4j.create(inputs.get(0).dataType(), shape)).toList();
    for (int i = 0; i < out.size(); i++) {
      context.setOutputArray(i, out.get(i));
    }
    return new OpCall(op, inputs, out, context);
  }
}

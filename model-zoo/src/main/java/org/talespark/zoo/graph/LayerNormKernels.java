package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Layer normalisation of float32 arrays over their last axis and its gradient, some rows at a time
 * on all threads. ND4J goes through the whole array a dozen times, mostly on one thread.
 *
 * <p>The gradient is put together from the operations that ND4J's own consists of; only the sums
 * over all rows, the gradients of gain and bias, are taken of the whole. Results are bit-equal to
 * ND4J's.
 */
final class LayerNormKernels implements KernelProvider {
  private static final String FORWARD = "layer_norm";
  private static final String BACKWARD = "layer_norm_bp";

  /** Rows are taken together until a part has this size. */
  private static final long PART_BYTES = 128 << 10;

  private final KernelProvider parts;
  private final int threads;

  /**
   * Kernels on this many threads.
   *
   * @param parts binds the operations on some rows
   */
  LayerNormKernels(int threads, KernelProvider parts) {
    this.parts = parts;
    this.threads = threads;
  }

  @Override
  public long scratch(OpShapes shapes) {
    boolean backward = shapes.op().opName().equals(BACKWARD) && shapes.type() == DataType.FLOAT;
    return backward ? 2 * Views.length(shapes.inputs().get(0)) : 0;
  }

  @Override
  public Optional<Kernel> bind(OpCall call) {
    if (!known(call)) {
      return Optional.empty();
    }
    return Optional.of(call.opName().equals(FORWARD) ? forward(call) : backward(call));
  }

  private static boolean known(OpCall call) {
    if (!(call.op() instanceof DynamicCustomOp op)
        || !(op.opName().equals(FORWARD)
            || (op.opName().equals(BACKWARD) && call.scratch() != null))) {
      return false;
    }
    INDArray x = call.inputs().get(0);
    long[] axes = op.iArgs();
    boolean[] channelsFirst = op.bArgs();
    boolean last = axes.length == 1 && (axes[0] == x.rank() - 1 || axes[0] == -1) && x.rank() > 1;
    return last
        && (x.rank() == 2 || (channelsFirst.length > 0 && !channelsFirst[0]))
        && call.isPlainFloat();
  }

  private Kernel forward(OpCall call) {
    INDArray x = call.inputs().get(0);
    List<Kernel> kernels = new ArrayList<>();
    for (long[] rows : rows(x)) {
      List<INDArray> in = new ArrayList<>(call.inputs());
      in.set(0, part(x, rows));
      kernels.add(bind((DynamicCustomOp) call.op(), in, part(call.outputs().get(0), rows)));
    }
    return shared(kernels);
  }

  /** Inputs x, gain, (bias,) gradient g; outputs: gradients of x, gain (and bias). */
  private Kernel backward(OpCall call) {
    INDArray x = call.inputs().get(0);
    INDArray gain = call.inputs().get(1);
    INDArray g = call.inputs().get(call.inputs().size() - 1);
    INDArray weighted = Views.view(call.scratch(), 0, x.shape()); // normalised x times g
    INDArray scaled = // g times gain
        Views.part(call.scratch(), x.length(), x.shape());
    long axis = x.rank() - 1L;
    List<Kernel> perPart = new ArrayList<>();
    for (long[] rows : rows(x)) {
      INDArray someX = part(x, rows);
      INDArray someG = part(g, rows);
      INDArray someWeighted = part(weighted, rows);
      INDArray someScaled = part(scaled, rows);
      perPart.add(
          Parts.sequence(
              List.of(
                  bind(op("standardize", axis), List.of(someX), someWeighted),
                  bind(op("multiply"), List.of(someWeighted, someG), someWeighted),
                  bind(op("multiply"), List.of(someG, gain), someScaled),
                  bind(
                      op("standardize_bp", axis),
                      List.of(someX, someScaled),
                      part(call.outputs().get(0), rows)))));
    }
    long[] others = new long[x.rank() - 1];
    Arrays.setAll(others, d -> d);
    List<Kernel> sums = new ArrayList<>();
    sums.add(bind(op("reduce_sum", others), List.of(weighted), call.outputs().get(1)));
    if (call.outputs().size() > 2) {
      sums.add(bind(op("reduce_sum", others), List.of(g), call.outputs().get(2)));
    }
    return Parts.sequence(List.of(shared(perPart), shared(sums)));
  }

  private Kernel shared(List<Kernel> kernels) {
    return Parts.shared(kernels.toArray(Kernel[]::new), threads);
  }

  private static DynamicCustomOp op(String name, long... integers) {
    DynamicCustomOp op = DynamicCustomOp.builder(name).build();
    op.addIArgument(integers);
    return op;
  }

  private Kernel bind(DynamicCustomOp op, List<INDArray> in, INDArray out) {
    List<INDArray> outputs = List.of(out);
    return parts.bind(new OpCall(op, in, outputs, Lowering.context(op, in, outputs))).orElseThrow();
  }

  /** First row and end of each part. */
  private List<long[]> rows(INDArray x) {
    long width = x.size(-1);
    long count = x.length() / width;
    long parts = Math.max(threads, Views.bytes(DataType.FLOAT, x.length()) / PART_BYTES);
    parts = Math.min(parts, count);
    List<long[]> rows = new ArrayList<>();
    for (long i = 0; i < parts; i++) {
      rows.add(new long[] {count * i / parts, count * (i + 1) / parts});
    }
    return rows;
  }

  /** A view of some rows, of the same rank. */
  private static INDArray part(INDArray array, long[] rows) {
    long width = array.size(-1);
    long[] shape = array.shape().clone();
    Arrays.fill(shape, 0, shape.length - 2, 1);
    shape[shape.length - 2] = rows[1] - rows[0];
    return Views.part(array, rows[0] * width, shape);
  }
}

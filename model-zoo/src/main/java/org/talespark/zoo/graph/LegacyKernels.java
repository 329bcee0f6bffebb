package org.talespark.zoo.graph;

import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.IndexAccumulation;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.TransformOp;
import org.nd4j.linalg.api.ops.impl.summarystats.Variance;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.cpu.nativecpu.buffer.BaseCpuDataBuffer;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.nd4j.nativeblas.OpaqueDataBuffer;

/**
 * ND4J's older operation classes (reductions, scalar operations, transforms of one array, index
 * reductions) bound straight to their native functions, the ones its executioner would call.
 *
 * <p>The executioner would prepare axes, arguments and pointers anew in every call, leave small
 * native buffers to the garbage collector, and take the result of some reductions (of a vector
 * along an axis of length 1) from the wrong array. Here all pointers are made once, and axes and
 * scalars are those that the operation has when it is bound, so that plans of one graph do not
 * disturb each other.
 */
final class LegacyKernels {
  private final NativeOps ops = NativeOpsHolder.getInstance().getDeviceNativeOps();
  private final Op op;
  private final INDArray in;
  private final INDArray out;
  private final OpaqueDataBuffer x;
  private final LongPointer xShape;
  private final OpaqueDataBuffer z;
  private final LongPointer zShape;

  private LegacyKernels(Op op, INDArray in, INDArray out) {
    this.op = op;
    this.in = in;
    this.out = out;
    this.x = buffer(in);
    this.xShape = shape(in);
    this.z = buffer(out);
    this.zShape = shape(out);
  }

  /** Empty for the kinds that models do not use; the executioner runs those. */
  static Optional<Kernel> bind(OpCall call) {
    Op op = (Op) call.op();
    INDArray in = call.inputs().get(0);
    INDArray out = call.outputs().get(0);
    if (in.isEmpty() || out.isEmpty() || call.outputs().size() != 1) {
      return Optional.empty();
    }
    LegacyKernels legacy = new LegacyKernels(op, in, out);
    Kernel kernel = null;
    if (op instanceof ScalarOp scalar) {
      kernel = scalar.dimensions() == null ? legacy.scalar(scalar) : null;
    } else if (op instanceof TransformOp) {
      kernel = call.inputs().size() == 1 ? legacy.transform() : null;
    } else if (op instanceof ReduceOp reduce) {
      kernel = isPlain(reduce) ? legacy.reduce(reduce) : null;
    } else if (op instanceof IndexAccumulation index) {
      kernel = legacy.indexReduce(index);
    }
    return Optional.ofNullable(kernel).map(legacy::checked);
  }

  private static boolean isPlain(ReduceOp op) {
    return !(op instanceof Variance)
        && op.getOpType() != Op.Type.REDUCE3
        && !(op instanceof BaseReduceOp base && base.isEmptyReduce());
  }

  private Kernel checked(Kernel kernel) {
    return () -> {
      kernel.run();
      if (ops.lastErrorCode() != 0) {
        throw new IllegalStateException(
            "Cannot run operation: op=%s shape=%s, ND4J says: %s"
                .formatted(op.opName(), Arrays.toString(in.shape()), ops.lastErrorMessage()));
      }
    };
  }

  private Kernel scalar(ScalarOp scalar) {
    int number = op.opNum();
    INDArray value = scalar.scalar();
    OpaqueDataBuffer y = buffer(value);
    LongPointer yShape = shape(value);
    Pointer extra =
        extra(scalar.getOpType() == Op.Type.SCALAR_BOOL ? in.dataType() : out.dataType());
    return switch (scalar.getOpType()) {
      case SCALAR ->
          () ->
              ops.execScalar(
                  null, number, x, xShape, null, z, zShape, null, y, yShape, null, extra);
      case SCALAR_BOOL ->
          () ->
              ops.execScalarBool(
                  null, number, x, xShape, null, z, zShape, null, y, yShape, null, extra);
      default -> null;
    };
  }

  private Kernel transform() {
    if (op.opName().equalsIgnoreCase("ismax")) {
      return null;
    }
    int number = op.opNum();
    Pointer ofOut = extra(out.dataType());
    Pointer ofIn = extra(in.dataType());
    return switch (((TransformOp) op).getOpType()) {
      case TRANSFORM_FLOAT ->
          () -> ops.execTransformFloat(null, number, x, xShape, null, z, zShape, null, ofOut);
      case TRANSFORM_STRICT ->
          () -> ops.execTransformStrict(null, number, x, xShape, null, z, zShape, null, ofOut);
      case TRANSFORM_SAME ->
          () -> ops.execTransformSame(null, number, x, xShape, null, z, zShape, null, ofOut);
      case TRANSFORM_ANY ->
          () -> ops.execTransformAny(null, number, x, xShape, null, z, zShape, null, ofIn);
      case TRANSFORM_BOOL ->
          () -> ops.execTransformBool(null, number, x, xShape, null, z, zShape, null, ofIn);
      default -> null;
    };
  }

  private Kernel reduce(ReduceOp reduce) {
    int number = op.opNum();
    Pointer ofOut = extra(out.dataType());
    Pointer ofIn = extra(in.dataType());
    if (out.isScalar()) {
      return switch (reduce.getOpType()) {
        case REDUCE_FLOAT ->
            () -> ops.execReduceFloat(null, number, x, xShape, null, ofOut, z, zShape, null);
        case REDUCE_SAME ->
            () -> ops.execReduceSame(null, number, x, xShape, null, ofIn, z, zShape, null);
        case REDUCE_LONG ->
            () -> ops.execReduceLong(null, number, x, xShape, null, ofIn, z, zShape, null);
        case REDUCE_BOOL ->
            () -> ops.execReduceBool(null, number, x, xShape, null, ofIn, z, zShape, null);
        default -> null;
      };
    }
    INDArray axes = axes(reduce.dimensions());
    OpaqueDataBuffer d = buffer(axes);
    LongPointer dShape = shape(axes);
    return switch (reduce.getOpType()) {
      case REDUCE_FLOAT ->
          keeping(
              axes,
              () ->
                  ops.execReduceFloat2(
                      null, number, x, xShape, null, ofOut, z, zShape, null, d, dShape, null));
      case REDUCE_SAME ->
          keeping(
              axes,
              () ->
                  ops.execReduceSame2(
                      null, number, x, xShape, null, ofOut, z, zShape, null, d, dShape, null));
      case REDUCE_LONG ->
          keeping(
              axes,
              () ->
                  ops.execReduceLong2(
                      null, number, x, xShape, null, ofIn, z, zShape, null, d, dShape, null));
      case REDUCE_BOOL ->
          keeping(
              axes,
              () ->
                  ops.execReduceBool2(
                      null, number, x, xShape, null, ofIn, z, zShape, null, d, dShape, null));
      default -> null;
    };
  }

  private Kernel indexReduce(IndexAccumulation index) {
    int number = op.opNum();
    Pointer extra = extra(in.dataType());
    if (out.isScalar()) {
      return () -> ops.execIndexReduceScalar(null, number, x, xShape, null, extra, z, zShape, null);
    }
    INDArray axes = axes(index.dimensions());
    OpaqueDataBuffer d = buffer(axes);
    LongPointer dShape = shape(axes);
    return keeping(
        axes,
        () ->
            ops.execIndexReduce(
                null, number, x, xShape, null, extra, z, zShape, null, d, dShape, null));
  }

  /** Keeps an array's memory as long as the kernel. */
  private static Kernel keeping(INDArray array, Kernel kernel) {
    return () -> {
      try {
        kernel.run();
      } finally {
        Reference.reachabilityFence(array);
      }
    };
  }

  /** An array of its own: the operation's may change when another plan binds it. */
  private INDArray axes(INDArray dimensions) {
    int[] axes = dimensions == null ? new int[0] : dimensions.toIntVector();
    return Nd4j.createFromArray(Shape.normalizeAxis(in.rank(), axes));
  }

  private Pointer extra(DataType type) {
    if (op.extraArgs() == null) {
      return null;
    }
    DataBuffer arguments = op.extraArgsDataBuff(type);
    return arguments == null ? null : arguments.addressPointer();
  }

  private static OpaqueDataBuffer buffer(INDArray array) {
    return ((BaseCpuDataBuffer) array.data()).getOpaqueDataBuffer();
  }

  private static LongPointer shape(INDArray array) {
    return (LongPointer) array.shapeInfoDataBuffer().addressPointer();
  }
}

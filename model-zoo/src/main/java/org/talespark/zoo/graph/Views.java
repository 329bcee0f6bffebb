package org.talespark.zoo.graph;

import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Array views by offset. */
final class Views {
  private Views() {}

  /** A C-order view of {@code shape} that begins {@code offset} elements into a rank-1 array. */
  static INDArray view(INDArray flat, long offset, long[] shape) {
    return Nd4j.create(flat.data(), shape, strides(shape), offset, 'c', flat.dataType());
  }

  /** A C-order view of {@code shape} that begins {@code offset} elements into an array. */
  static INDArray part(INDArray array, long offset, long[] shape) {
    INDArrayIndex range = NDArrayIndex.interval(offset, offset + length(shape));
    return view(array.reshape(array.length()).get(range), 0, shape);
  }

  private static final class At extends Pointer {
    At(long address) {
      this.address = address;
    }
  }

  /** The address of an array's first element; the array must outlive it. */
  static Pointer pointer(INDArray array) {
    // a view buffer's pointer() is its parent's; only addressPointer() knows the offset
    return at(array.data().addressPointer().address());
  }

  /** A pointer to an address that somebody else owns. */
  static Pointer at(long address) {
    return new At(address);
  }

  /** Elements of a shape; 1 for a scalar. */
  static long length(long[] shape) {
    long n = 1;
    for (long d : shape) {
      n = Math.multiplyExact(n, d);
    }
    return n;
  }

  static long[] strides(long[] shape) {
    long[] strides = new long[shape.length];
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    return strides;
  }

  static long bytes(DataType type, long elements) {
    return Math.multiplyExact(elements, (long) type.width());
  }
}

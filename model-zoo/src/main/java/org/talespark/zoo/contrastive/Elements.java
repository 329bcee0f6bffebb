package org.talespark.zoo.contrastive;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.runtime.NativeMemory;

/** Elements of contiguous arrays of floats or doubles as Java's doubles, and back. */
final class Elements {
  private Elements() {}

  /** As many as {@code out} has, from the first. */
  static void read(INDArray array, double[] out) {
    boolean single = array.dataType() == DataType.FLOAT;
    try {
      ByteBuffer bytes = window(array, out.length);
      for (int i = 0; i < out.length; i++) {
        out[i] = single ? bytes.getFloat(i * Float.BYTES) : bytes.getDouble(i * Double.BYTES);
      }
    } finally {
      Reference.reachabilityFence(array);
    }
  }

  /** Writes {@code factor} times each value, from the first element. */
  static void write(double[] values, double factor, INDArray array) {
    boolean single = array.dataType() == DataType.FLOAT;
    try {
      ByteBuffer bytes = window(array, values.length);
      for (int i = 0; i < values.length; i++) {
        if (single) {
          bytes.putFloat(i * Float.BYTES, (float) (factor * values[i]));
        } else {
          bytes.putDouble(i * Double.BYTES, factor * values[i]);
        }
      }
    } finally {
      Reference.reachabilityFence(array);
    }
  }

  private static ByteBuffer window(INDArray array, int count) {
    return NativeMemory.window(array, 0, Math.multiplyExact(count, array.dataType().width()));
  }
}

package org.talespark.jobs.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.runtime.NativeMemory;

/** Copies of arrays in Java memory, as partitions of a Spark job hold them. */
final class FlatBytes {
  private FlatBytes() {}

  /** The bytes of a contiguous array, at most 2 GiB. */
  static byte[] copy(INDArray array) {
    long count = NativeMemory.byteCount(array);
    if (count > Integer.MAX_VALUE - 16) {
      throw new IllegalArgumentException(
          "Cannot copy array: bytes=%d, expected less than 2 GiB; use train.strategy=allreduce for such a model"
              .formatted(count));
    }
    byte[] bytes = new byte[(int) count];
    NativeMemory.window(array, 0, bytes.length).get(bytes);
    return bytes;
  }

  static List<byte[]> copies(List<INDArray> arrays) {
    List<byte[]> copies = new ArrayList<>();
    arrays.forEach(array -> copies.add(copy(array)));
    return copies;
  }

  static Map<String, byte[]> copies(Map<String, INDArray> arrays) {
    Map<String, byte[]> copies = new LinkedHashMap<>();
    arrays.forEach((name, array) -> copies.put(name, copy(array)));
    return copies;
  }

  /** Writes a copy back. */
  static void restore(byte[] bytes, INDArray array) {
    NativeMemory.window(array, 0, bytes.length).put(bytes);
  }

  static void restore(List<byte[]> copies, List<INDArray> arrays) {
    for (int i = 0; i < copies.size(); i++) {
      restore(copies.get(i), arrays.get(i));
    }
  }

  static void restore(Map<String, byte[]> copies, Map<String, INDArray> arrays) {
    copies.forEach((name, bytes) -> restore(bytes, arrays.get(name)));
  }

  /** Some elements of a copy of an array of a type. */
  static double[] values(byte[] copy, DataType type, long from, int count) {
    return values(
        ByteBuffer.wrap(copy, (int) (from * type.width()), count * type.width())
            .slice()
            .order(ByteOrder.nativeOrder()),
        type);
  }

  /** Some elements of an array. */
  static double[] values(INDArray array, long from, int count) {
    int width = array.dataType().width();
    return values(NativeMemory.window(array, from * width, count * width), array.dataType());
  }

  private static double[] values(ByteBuffer bytes, DataType type) {
    double[] values = new double[bytes.remaining() / type.width()];
    if (type == DataType.DOUBLE) {
      bytes.asDoubleBuffer().get(values);
    } else {
      float[] floats = new float[values.length];
      bytes.asFloatBuffer().get(floats);
      for (int i = 0; i < values.length; i++) {
        values[i] = floats[i];
      }
    }
    return values;
  }

  /** Writes some elements of an array. */
  static void write(double[] values, INDArray array, long from) {
    int width = array.dataType().width();
    ByteBuffer window = NativeMemory.window(array, from * width, values.length * width);
    if (array.dataType() == DataType.DOUBLE) {
      window.asDoubleBuffer().put(values);
    } else {
      float[] floats = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        floats[i] = (float) values[i];
      }
      window.asFloatBuffer().put(floats);
    }
  }
}

package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.runtime.NativeMemory;

/** Arrays of the tests and their plain sums. */
final class Values {
  private Values() {}

  /** A worker's values, uniform in [-1, 1). */
  static double[] of(int rank, int length) {
    return new Random(1000L * rank + length).doubles(length, -1, 1).toArray();
  }

  static INDArray array(int rank, int length, DataType type) {
    return Nd4j.createFromArray(of(rank, length)).castTo(type);
  }

  /** The sums over all workers, in double. */
  static double[] sums(int workers, int length, DataType type) {
    double[] sum = new double[length];
    for (int rank = 0; rank < workers; rank++) {
      double[] one = of(rank, length);
      for (int i = 0; i < length; i++) {
        sum[i] += type == DataType.FLOAT ? (float) one[i] : one[i];
      }
    }
    return sum;
  }

  /** The bytes of an array or of a view of one. */
  static byte[] bytes(INDArray array) {
    byte[] bytes = new byte[Math.toIntExact(NativeMemory.byteCount(array))];
    NativeMemory.window(array, 0, bytes.length).get(bytes);
    return bytes;
  }

  static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }
}

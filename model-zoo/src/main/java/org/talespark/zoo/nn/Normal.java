package org.talespark.zoo.nn;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Normal random arrays that depend only on a seed and a name, on every platform. */
public final class Normal {
  private Normal() {}

  /** Values of mean 0 and the given standard deviation, by the method of Box and Muller. */
  public static INDArray fill(
      long seed, String name, double deviation, long[] shape, DataType type) {
    SplittableRandom random = new SplittableRandom(Uniform.mix(seed, name));
    double[] values =
        new double[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
    for (int i = 0; i < values.length; i += 2) {
      double radius = deviation * Math.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
      double angle = 2 * Math.PI * random.nextDouble();
      values[i] = radius * StrictMath.cos(angle);
      if (i + 1 < values.length) {
        values[i + 1] = radius * StrictMath.sin(angle);
      }
    }
    return Nd4j.createFromArray(values).reshape(shape).castTo(type);
  }
}

package org.talespark.zoo.nn;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Uniform random arrays that depend only on a seed and a name, on every platform. */
public final class Uniform {
  private Uniform() {}

  /** Values in [-bound, bound). */
  public static INDArray fill(long seed, String name, double bound, long[] shape, DataType type) {
    SplittableRandom random = new SplittableRandom(mix(seed, name));
    double[] values =
        new double[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
    for (int i = 0; i < values.length; i++) {
      values[i] = bound * (2 * random.nextDouble() - 1);
    }
    return Nd4j.createFromArray(values).reshape(shape).castTo(type);
  }

  /** The name's hash, folded into the seed. */
  static long mix(long seed, String name) {
    return seed * 0x9e3779b97f4a7c15L + hash(name);
  }

  /** FNV-1a of a text's UTF-16 units. */
  public static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return hash;
  }
}

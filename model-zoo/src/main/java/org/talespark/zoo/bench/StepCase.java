package org.talespark.zoo.bench;

import java.util.SplittableRandom;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A training step made of ND4J's own operations only, so that SameDiff's interpreter can run it:
 * one placeholder {@value #INPUT}, one scalar loss {@value #LOSS}, and the graph's variables, which
 * are all trained.
 */
sealed interface StepCase permits TransformerCase, VqVaeCase {
  String INPUT = "x";
  String LOSS = "loss";

  /** The case's name in results. */
  String name();

  long[] inputShape();

  /** A new graph; every call gives the same parameters. */
  SameDiff graph();

  /** Values for the placeholder, uniform in [0, 1); every call gives the same. */
  default INDArray input() {
    SplittableRandom random = new SplittableRandom(2);
    return filled(inputShape(), random::nextDouble);
  }

  /** A float32 array of independent draws. */
  static INDArray filled(long[] shape, java.util.function.DoubleSupplier draw) {
    long length = 1;
    for (long side : shape) {
      length *= side;
    }
    float[] values = new float[Math.toIntExact(length)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) draw.getAsDouble();
    }
    return Nd4j.create(values, shape, 'c');
  }

  /** A float32 array of draws from a normal distribution around zero. */
  static INDArray normal(SplittableRandom random, double deviation, long... shape) {
    return filled(shape, () -> deviation * random.nextGaussian());
  }
}

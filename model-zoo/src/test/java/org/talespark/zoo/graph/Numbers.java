package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Arrays of given numbers, and how far two are apart. */
final class Numbers {
  private Numbers() {}

  static INDArray doubles(double... values) {
    return Nd4j.createFromArray(values);
  }

  /** Of two arrays of one shape. */
  static double largestDifference(INDArray a, INDArray b) {
    assertThat(a.shape()).isEqualTo(b.shape());
    return a.sub(b).amaxNumber().doubleValue();
  }
}

package org.talespark.zoo.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** All arrays that training changes in a learner, for tests that compare them. */
public final class LearnerArrays {
  private LearnerArrays() {}

  /** The live ones: weights, averages and the optimizer's state. */
  public static Map<String, INDArray> arrays(Learner learner) {
    Map<String, INDArray> all = new LinkedHashMap<>();
    learner.model().forEach((name, array) -> all.put("model/" + name, array));
    learner.ema().forEach((name, array) -> all.put("ema/" + name, array));
    learner.state().forEach((name, array) -> all.put("state/" + name, array));
    return all;
  }

  /** The same as they are now. */
  public static Map<String, INDArray> copies(Learner learner) {
    return copies(arrays(learner));
  }

  /** Some arrays as they are now. */
  public static Map<String, INDArray> copies(Map<String, INDArray> arrays) {
    Map<String, INDArray> all = new LinkedHashMap<>(arrays);
    all.replaceAll((name, array) -> array.dup());
    return all;
  }

  /** Of any two elements in the same place. */
  public static double largestDifference(INDArray a, INDArray b) {
    return a.sub(b).amaxNumber().doubleValue();
  }

  /** A learner has exactly these values. */
  public static void assertSameBits(Learner learner, Map<String, INDArray> expected) {
    assertSameBits(arrays(learner), expected);
  }

  /** Arrays have exactly these values. */
  public static void assertSameBits(Map<String, INDArray> arrays, Map<String, INDArray> expected) {
    arrays.forEach(
        (name, array) ->
            assertThat(largestDifference(array, expected.get(name))).as(name).isZero());
  }
}

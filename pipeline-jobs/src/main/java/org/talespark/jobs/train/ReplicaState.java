package org.talespark.jobs.train;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * A replica between two rounds, as a partition of a Spark job holds it.
 *
 * @param base the flat parameters with which the round began
 * @param momentum the outer optimizer's state, as {@code base}
 * @param model the learner's weights after the round's steps, by name
 * @param state all else that the learner's training needs, by name
 * @param ema the learner's averaged weights, by name
 * @param counters that belong to {@code state}
 * @param delta what the steps changed, in parts: of all parameters, then the learner's statistics
 *     as they are; empty when nothing is left to be merged
 * @param report of the steps
 */
record ReplicaState(
    int rank,
    List<byte[]> base,
    List<byte[]> momentum,
    Map<String, byte[]> model,
    Map<String, byte[]> state,
    Map<String, byte[]> ema,
    Map<String, Long> counters,
    List<byte[]> delta,
    Report report)
    implements Serializable {

  /**
   * How a round's steps went.
   *
   * @param answer their mean losses as JSON, or why they could not be made ({@link Answer})
   * @param seconds that they took
   * @param parameterParts how many parts of the delta are of parameters
   */
  record Report(String answer, double seconds, int parameterParts) implements Serializable {
    static final Report NOTHING = new Report("{}", 0, 0);
  }
}

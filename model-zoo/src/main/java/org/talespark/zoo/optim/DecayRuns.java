package org.talespark.zoo.optim;

import java.util.Arrays;
import org.talespark.zoo.graph.ParameterLayout;

/**
 * Where weight decay applies: to slots of two or more dimensions (kernels, embeddings), not to
 * vectors and scalars (biases, gains of norms). Neighbours that agree are one run.
 */
final class DecayRuns {
  private static final int DECAYED_RANK = 2;

  private final long[] ends;
  private final boolean[] decayed;

  DecayRuns(ParameterLayout layout) {
    long[] runEnds = new long[layout.slots().size()];
    boolean[] runDecayed = new boolean[runEnds.length];
    int runs = 0;
    for (ParameterLayout.Slot slot : layout.slots()) {
      boolean decay = slot.shape().size() >= DECAYED_RANK;
      if (slot.length() == 0) {
        continue;
      }
      if (runs > 0 && runDecayed[runs - 1] == decay) {
        runEnds[runs - 1] = slot.end();
      } else {
        runEnds[runs] = slot.end();
        runDecayed[runs++] = decay;
      }
    }
    this.ends = Arrays.copyOf(runEnds, runs);
    this.decayed = Arrays.copyOf(runDecayed, runs);
  }

  /** The element behind a run. */
  long end(int run) {
    return ends[run];
  }

  boolean decayed(int run) {
    return decayed[run];
  }
}

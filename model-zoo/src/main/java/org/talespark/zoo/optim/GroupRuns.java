package org.talespark.zoo.optim;

import java.util.Arrays;
import java.util.function.Function;
import org.talespark.zoo.graph.ParameterLayout;

/** Where each group lies in the flat array. Neighbours of one group are one run. */
final class GroupRuns {
  private final long[] ends;
  private final Group[] groups;

  GroupRuns(ParameterLayout layout, Function<ParameterLayout.Slot, Group> groupOf) {
    long[] runEnds = new long[layout.slots().size()];
    Group[] runGroups = new Group[runEnds.length];
    int runs = 0;
    for (ParameterLayout.Slot slot : layout.slots()) {
      if (slot.length() == 0) {
        continue;
      }
      Group group = groupOf.apply(slot);
      if (runs > 0 && runGroups[runs - 1] == group) {
        runEnds[runs - 1] = slot.end();
      } else {
        runEnds[runs] = slot.end();
        runGroups[runs++] = group;
      }
    }
    this.ends = Arrays.copyOf(runEnds, runs);
    this.groups = Arrays.copyOf(runGroups, runs);
  }

  /** The element behind a run. */
  long end(int run) {
    return ends[run];
  }

  Group group(int run) {
    return groups[run];
  }
}

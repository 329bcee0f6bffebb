package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TreeScheduleTest {
  @Property(tries = 60)
  void everySendIsReceivedAndEverybodyEndsWithTheSameSum(
      @ForAll @IntRange(min = 2, max = 40) int workers) {
    List<String> sums = new ArrayList<>();
    for (int rank = 0; rank < workers; rank++) {
      sums.add("" + rank);
    }
    int steps = new TreeSchedule(0, workers).steps();
    for (int step = 0; step < steps; step++) {
      List<String> before = List.copyOf(sums);
      for (int rank = 0; rank < workers; rank++) {
        TreeSchedule tree = new TreeSchedule(rank, workers);
        int partner = tree.partner(step);
        if (partner == TreeSchedule.NOBODY) {
          assertThat(tree.sends(step) || tree.receives(step)).isFalse();
          continue;
        }
        TreeSchedule other = new TreeSchedule(partner, workers);
        assertThat(other.partner(step)).isEqualTo(rank);
        assertThat(other.receives(step)).isEqualTo(tree.sends(step));
        if (tree.receives(step)) {
          String low = before.get(Math.min(rank, partner));
          String high = before.get(Math.max(rank, partner));
          sums.set(rank, tree.replaces(step) ? before.get(partner) : "(" + low + "+" + high + ")");
        }
      }
    }
    assertThat(sums).containsOnly(sums.get(0));
    String inOrder = sums.get(0).replaceAll("[()]", "");
    StringBuilder expected = new StringBuilder("0");
    for (int rank = 1; rank < workers; rank++) {
      expected.append('+').append(rank);
    }
    assertThat(inOrder).isEqualTo(expected.toString());
  }

  @Test
  void aPowerOfTwoTakesItsLogarithmInSteps() {
    for (int k = 1; k <= 10; k++) {
      TreeSchedule tree = new TreeSchedule(1, 1 << k);
      int busy = 0;
      for (int step = 0; step < tree.steps(); step++) {
        busy += tree.partner(step) == TreeSchedule.NOBODY ? 0 : 1;
      }
      assertThat(busy).isEqualTo(k);
    }
    assertThatThrownBy(() -> new TreeSchedule(2, 2)).hasMessageContaining("rank=2");
  }
}

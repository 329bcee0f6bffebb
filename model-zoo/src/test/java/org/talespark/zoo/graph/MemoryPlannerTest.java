package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.talespark.zoo.graph.MemoryPlanner.Placement;
import org.talespark.zoo.graph.MemoryPlanner.Request;

class MemoryPlannerTest {

  @Provide
  Arbitrary<List<Request>> requests() {
    Arbitrary<Integer> first = Arbitraries.integers().between(0, 40);
    Arbitrary<Integer> lasting = Arbitraries.integers().between(0, 15);
    Arbitrary<Long> size = Arbitraries.longs().between(0, 1000);
    return Combinators.combine(first, lasting, size)
        .as((f, l, s) -> new Request(f, f + l, s))
        .list()
        .ofMaxSize(60);
  }

  @Property(tries = 300)
  void buffersAliveTogetherNeverOverlap(@ForAll("requests") List<Request> requests) {
    Placement placement = MemoryPlanner.place(requests);
    assertThat(placement.offsets()).hasSameSizeAs(requests);
    for (int i = 0; i < requests.size(); i++) {
      long from = placement.offsets().get(i);
      long to = from + requests.get(i).size();
      assertThat(from).isNotNegative();
      assertThat(to).isLessThanOrEqualTo(placement.length());
      for (int j = 0; j < i; j++) {
        long otherFrom = placement.offsets().get(j);
        long otherTo = otherFrom + requests.get(j).size();
        boolean together =
            requests.get(i).first() <= requests.get(j).last()
                && requests.get(j).first() <= requests.get(i).last();
        if (together) {
          assertThat(to <= otherFrom || otherTo <= from)
              .as("%s at %d and %s at %d", requests.get(i), from, requests.get(j), otherFrom)
              .isTrue();
        }
      }
    }
  }

  @Property(tries = 300)
  void lengthLiesBetweenTheLargestLiveSumAndTheSum(@ForAll("requests") List<Request> requests) {
    long peak = 0;
    for (int step = 0; step < 60; step++) {
      int now = step;
      long live =
          requests.stream()
              .filter(r -> r.first() <= now && now <= r.last())
              .mapToLong(Request::size)
              .sum();
      peak = Math.max(peak, live);
    }
    long sum = requests.stream().mapToLong(Request::size).sum();
    assertThat(MemoryPlanner.place(requests).length()).isBetween(peak, sum);
  }

  @Property(tries = 50)
  void samePlanForTheSameRequests(@ForAll("requests") List<Request> requests) {
    assertThat(MemoryPlanner.place(requests)).isEqualTo(MemoryPlanner.place(requests));
  }

  @Example
  void buffersThatFollowOneAnotherShareOnePlace() {
    Placement placement =
        MemoryPlanner.place(
            List.of(new Request(0, 1, 10), new Request(2, 3, 10), new Request(4, 4, 7)));
    assertThat(placement.offsets()).containsExactly(0L, 0L, 0L);
    assertThat(placement.length()).isEqualTo(10);
  }

  @Example
  void aBufferReadWhileTheNextIsWrittenKeepsItsPlace() {
    Placement placement =
        MemoryPlanner.place(List.of(new Request(0, 1, 10), new Request(1, 2, 10)));
    assertThat(placement.offsets()).containsExactlyInAnyOrder(0L, 10L);
    assertThat(placement.length()).isEqualTo(20);
  }

  @Example
  void aSmallBufferGoesIntoTheGapBetweenLongLivedOnes() {
    // 8 and 6 live side by side; when the 8 is gone, 5 fits into its place
    Placement placement =
        MemoryPlanner.place(
            List.of(new Request(0, 1, 8), new Request(0, 3, 6), new Request(2, 3, 5)));
    assertThat(placement.offsets()).containsExactly(0L, 8L, 0L);
    assertThat(placement.length()).isEqualTo(14);
  }

  @Example
  void theSmallestGapThatHoldsIsTaken() {
    // in steps 5 and 6 there are gaps of 20 and 4: the last 2 goes into the 4
    List<Request> requests =
        List.of(
            new Request(0, 1, 20),
            new Request(0, 9, 12),
            new Request(0, 1, 4),
            new Request(0, 9, 2),
            new Request(5, 6, 2));
    Placement placement = MemoryPlanner.place(requests);
    assertThat(placement.offsets()).containsExactly(0L, 20L, 32L, 36L, 32L);
    assertThat(placement.length()).isEqualTo(38);
  }

  @Example
  void nothingNeedsNothing() {
    assertThat(MemoryPlanner.place(List.of())).isEqualTo(new Placement(List.of(), 0));
  }

  @Example
  void aLifetimeThatEndsBeforeItBeginsIsRefused() {
    assertThatThrownBy(() -> new Request(3, 2, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("first=3 last=2");
    assertThatThrownBy(() -> new Request(0, 0, -1)).hasMessageContaining("size=-1");
  }
}

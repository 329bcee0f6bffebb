package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RingScheduleTest {
  @Property(tries = 300)
  void chunksCoverEveryElementOnce(
      @ForAll @IntRange(min = 2, max = 9) int workers,
      @ForAll @IntRange(min = 0, max = 500) int length,
      @ForAll @IntRange(min = 1, max = 70) int chunkElements) {
    RingSchedule ring = new RingSchedule(0, workers, length, chunkElements);
    int[] covered = new int[length];
    for (int segment = 0; segment < workers; segment++) {
      long sum = 0;
      for (int chunk = 0; chunk < ring.chunks(segment); chunk++) {
        assertThat(ring.chunkLength(segment, chunk)).isBetween(1, chunkElements);
        sum += ring.chunkLength(segment, chunk);
        for (int i = 0; i < ring.chunkLength(segment, chunk); i++) {
          covered[(int) ring.chunkStart(segment, chunk) + i]++;
        }
      }
      assertThat(sum).isEqualTo(ring.segmentLength(segment));
    }
    assertThat(covered).containsOnly(length == 0 ? new int[0] : new int[] {1});
  }

  @Property(tries = 100)
  void followingTheScheduleGivesEveryWorkerTheSum(@ForAll @IntRange(min = 2, max = 9) int workers) {
    long[][] values = new long[workers][workers]; // one element a segment
    for (int rank = 0; rank < workers; rank++) {
      for (int i = 0; i < workers; i++) {
        values[rank][i] = 1L << (4 * rank % 60);
      }
    }
    long expected = 0;
    for (int rank = 0; rank < workers; rank++) {
      expected += values[rank][0];
    }
    for (int step = 0; step < 2 * (workers - 1); step++) {
      long[] inFlight = new long[workers];
      for (int rank = 0; rank < workers; rank++) {
        inFlight[rank] = values[rank][new RingSchedule(rank, workers, workers, 1).sends(step)];
      }
      for (int rank = 0; rank < workers; rank++) {
        RingSchedule ring = new RingSchedule(rank, workers, workers, 1);
        assertThat(ring.receives(step))
            .isEqualTo(new RingSchedule(ring.left(), workers, workers, 1).sends(step));
        long own = ring.adds(step) ? values[rank][ring.receives(step)] : 0;
        values[rank][ring.receives(step)] = own + inFlight[ring.left()];
      }
    }
    for (long[] one : values) {
      assertThat(one).containsOnly(expected);
    }
  }

  @Test
  void segmentsBeyondTwoGibElementsAreCounted() {
    RingSchedule ring = new RingSchedule(1, 2, 6_000_000_001L, 1 << 16);
    assertThat(ring.segmentStart(1)).isEqualTo(3_000_000_001L);
    assertThat(ring.chunkStart(1, ring.chunks(1) - 1) + ring.chunkLength(1, ring.chunks(1) - 1))
        .isEqualTo(6_000_000_001L);
  }

  @Test
  void framesSurviveTheTripAndDamagedOnesAreRefused() throws Exception {
    Frame frame =
        new Frame(Frame.Kind.SMALL, UUID.randomUUID(), 2, 3, 7, Element.DOUBLE, 1, 5, 1000, 16, 0);
    ByteBuffer bytes = frame.encode(16);
    bytes.clear();
    assertThat(Frame.decode(bytes.duplicate().order(ByteOrder.nativeOrder()))).isEqualTo(frame);
    for (int field : new int[] {0, 4, 24, 40, 60, 64, 68}) {
      ByteBuffer damaged = ByteBuffer.allocate(bytes.capacity()).put(bytes.duplicate()).clear();
      damaged.order(ByteOrder.nativeOrder()).putInt(field, 9_999);
      assertThatThrownBy(() -> Frame.decode(damaged))
          .as("field at %d", field)
          .isInstanceOf(Frame.Malformed.class);
    }
    assertThatThrownBy(() -> Frame.decode(ByteBuffer.allocate(71)))
        .hasMessageContaining("at least 72");
    Frame streamed =
        new Frame(Frame.Kind.RING, UUID.randomUUID(), 0, 2, 0, Element.HALF, 0, 0, 9, 1 << 24, -14);
    assertThat(Frame.decode(streamed.encode(0).flip())).isEqualTo(streamed);
    for (int length : new int[] {0, -1, (1 << 24) + 1}) {
      ByteBuffer damaged = streamed.encode(0).putInt(60, length).flip();
      assertThatThrownBy(() -> Frame.decode(damaged)).hasMessageContaining("length=" + length);
    }
  }

  @Test
  void buffersOfAnyAlignmentAreAdded() {
    Sums sums = new Sums();
    for (int n : new int[] {0, 1, 1023, 1024, 1025, 3000}) {
      ByteBuffer target =
          ByteBuffer.allocateDirect(8 * n + 3).position(3).slice().order(ByteOrder.nativeOrder());
      ByteBuffer source =
          ByteBuffer.allocate(8 * n + 5).position(5).slice().order(ByteOrder.nativeOrder());
      for (int i = 0; i < n; i++) {
        target.putDouble(8 * i, i);
        source.putDouble(8 * i, 2 * i + 1);
      }
      sums.add(Element.DOUBLE, target, source);
      for (int i = 0; i < n; i++) {
        assertThat(target.getDouble(8 * i)).isEqualTo(3.0 * i + 1);
      }
    }
    assertThatThrownBy(
            () -> sums.add(Element.FLOAT, ByteBuffer.allocate(8), ByteBuffer.allocate(4)))
        .hasMessageContaining("expected 8");
  }
}

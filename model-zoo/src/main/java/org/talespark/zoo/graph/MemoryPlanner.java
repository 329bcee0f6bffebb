package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Places buffers in one arena so that two buffers overlap only when they are never alive together.
 *
 * <p>Greedy by size, as in Pisarchyk and Lee, "Efficient memory management for deep neural net
 * inference" (arXiv:2001.03288): the largest buffer first, each into the smallest gap that holds it
 * among the buffers alive at the same time.
 */
final class MemoryPlanner {

  /** A buffer of {@code size} elements, alive from step {@code first} to {@code last} inclusive. */
  record Request(int first, int last, long size) {
    Request {
      if (first > last || size < 0) {
        throw new IllegalArgumentException(
            "Cannot plan buffer: first=%d last=%d size=%d, expected first <= last and size >= 0"
                .formatted(first, last, size));
      }
    }

    boolean meets(Request other) {
      return first <= other.last && other.first <= last;
    }
  }

  /** Offsets by request, and the length of the arena. */
  record Placement(List<Long> offsets, long length) {}

  private record Placed(Request request, long offset) {
    long end() {
      return offset + request.size();
    }
  }

  private MemoryPlanner() {}

  static Placement place(List<Request> requests) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      order.add(i);
    }
    order.sort(Comparator.comparingLong((Integer i) -> -requests.get(i).size()));

    long[] offsets = new long[requests.size()];
    long length = 0;
    List<Placed> placed = new ArrayList<>(); // by offset
    for (int i : order) {
      Request request = requests.get(i);
      long best = -1;
      long bestGap = Long.MAX_VALUE;
      long free = 0;
      for (Placed other : placed) {
        if (!other.request().meets(request)) {
          continue;
        }
        long gap = other.offset() - free;
        if (gap >= request.size() && gap < bestGap) {
          best = free;
          bestGap = gap;
        }
        free = Math.max(free, other.end());
      }
      long offset = best >= 0 ? best : free;
      offsets[i] = offset;
      length = Math.max(length, offset + request.size());
      insertByOffset(placed, new Placed(request, offset));
    }
    return new Placement(Arrays.stream(offsets).boxed().toList(), length);
  }

  private static void insertByOffset(List<Placed> placed, Placed next) {
    int at = placed.size();
    while (at > 0 && placed.get(at - 1).offset() > next.offset()) {
      at--;
    }
    placed.add(at, next);
  }
}

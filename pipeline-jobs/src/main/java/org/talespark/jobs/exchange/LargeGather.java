package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Gathers bytes of any length, in parts that each fit a message. */
public final class LargeGather {
  private LargeGather() {}

  /** Every worker's bytes, by rank; may be of another length on each worker. */
  public static List<byte[]> of(Exchange exchange, byte[] mine) {
    return of(exchange, mine, ExchangeConfig.MAX_GATHER_BYTES);
  }

  static List<byte[]> of(Exchange exchange, byte[] mine, int partBytes) {
    byte[] length = ByteBuffer.allocate(Integer.BYTES).putInt(mine.length).array();
    List<byte[]> all = new ArrayList<>();
    for (byte[] each : exchange.allGather(length)) {
      all.add(new byte[ByteBuffer.wrap(each).getInt()]);
    }
    int longest = all.stream().mapToInt(bytes -> bytes.length).max().orElse(0);
    for (long from = 0; from < longest; from += partBytes) {
      int first = (int) Math.min(from, mine.length);
      int end = (int) Math.min(from + partBytes, mine.length);
      List<byte[]> parts = exchange.allGather(Arrays.copyOfRange(mine, first, end));
      for (int rank = 0; rank < parts.size(); rank++) {
        byte[] part = parts.get(rank);
        System.arraycopy(
            part, 0, all.get(rank), (int) Math.min(from, all.get(rank).length), part.length);
      }
    }
    return all;
  }
}

package org.talespark.jobs.train;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.zoo.runtime.NativeMemory;
import org.talespark.zoo.train.Learner;

/** Replicas must be equal to the bit; this finds one that is not. */
final class Replicas {
  private static final int WINDOW = 1 << 24;

  private Replicas() {}

  /**
   * Compares a checksum of all weights and training state over the workers.
   *
   * @throws IllegalStateException naming the workers that differ from most; of two that differ from
   *     each other both are named
   */
  static void check(Exchange exchange, Learner learner, long step) {
    byte[] mine = ByteBuffer.allocate(Long.BYTES).putLong(fingerprint(learner)).array();
    List<Long> all =
        exchange.allGather(mine).stream().map(b -> ByteBuffer.wrap(b).getLong()).toList();
    Map<Long, Integer> votes = new HashMap<>();
    all.forEach(print -> votes.merge(print, 1, Integer::sum));
    if (votes.size() == 1) {
      return;
    }
    int most = votes.values().stream().max(Integer::compare).orElseThrow();
    boolean majority = 2 * most > all.size();
    List<Integer> odd =
        IntStream.range(0, all.size())
            .filter(rank -> !majority || votes.get(all.get(rank)) < most)
            .boxed()
            .toList();
    throw new IllegalStateException(
        "Cannot go on training: step=%d workers=%s have other weights than %s; the memory of one may be faulty, or their builds differ. Training goes on from the last checkpoint"
            .formatted(step, odd, majority ? "the others" : "each other"));
  }

  static long fingerprint(Learner learner) {
    CRC32C crc = new CRC32C();
    learner.model().forEach((name, array) -> update(crc, array));
    learner.state().forEach((name, array) -> update(crc, array));
    return crc.getValue();
  }

  private static void update(CRC32C crc, INDArray array) {
    long bytes = NativeMemory.byteCount(array);
    for (long at = 0; at < bytes; at += WINDOW) {
      crc.update(NativeMemory.window(array, at, (int) Math.min(WINDOW, bytes - at)));
    }
  }
}

package org.talespark.jobs.train;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;
import org.nd4j.linalg.api.buffer.DataType;
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
   * @throws IllegalStateException naming the workers that differ from rank 0
   */
  static void check(Exchange exchange, Learner learner, long step) {
    byte[] mine = ByteBuffer.allocate(Long.BYTES).putLong(fingerprint(learner)).array();
    List<byte[]> all = exchange.allGather(mine);
    long first = ByteBuffer.wrap(all.get(0)).getLong();
    for (int rank = 1; rank < all.size(); rank++) {
      if (ByteBuffer.wrap(all.get(rank)).getLong() != first) {
        throw new IllegalStateException(
            "Cannot go on training: step=%d worker=%d has other weights than worker 0; the memory of one of them may be faulty, or their builds differ. Resume from the last checkpoint"
                .formatted(step, rank));
      }
    }
  }

  static long fingerprint(Learner learner) {
    CRC32C crc = new CRC32C();
    learner.model().forEach((name, array) -> update(crc, array));
    learner.state().forEach((name, array) -> update(crc, array));
    return crc.getValue();
  }

  private static void update(CRC32C crc, INDArray array) {
    long bytes = array.length() * (array.dataType() == DataType.DOUBLE ? 8 : 4);
    for (long at = 0; at < bytes; at += WINDOW) {
      crc.update(NativeMemory.window(array, at, (int) Math.min(WINDOW, bytes - at)));
    }
  }
}

package org.talespark.jobs.sharing;

import java.time.Duration;
import java.util.Optional;

/**
 * Times what the parameter server is not made for: two workers that swap whole arrays through it,
 * to be compared with {@code jobs.exchange}.
 */
public final class DenseExchange implements AutoCloseable {
  /** Header and class names of a message come on top of its numbers. */
  private static final long MOST_BYTES = MessageReader.MAX_BYTES - (1 << 16);

  private final Mesh mesh;
  private long number;

  private DenseExchange(Mesh mesh) {
    this.mesh = mesh;
  }

  /**
   * Joins the other worker.
   *
   * @param rank 0 or 1
   */
  public static DenseExchange join(SharingConfig config, Rendezvous root, int rank, String host) {
    if (root.workers() != 2) {
      throw new IllegalArgumentException(
          "Cannot time exchange: workers=%d, expected 2".formatted(root.workers()));
    }
    return new DenseExchange(Mesh.join(config, root, rank, host));
  }

  /**
   * Sends an array to the other worker and waits for the other's. Both call it at the same time,
   * the same number of times, with the same size.
   *
   * @param bytes of the array, a multiple of 4
   * @param limit when to give up
   * @return the time it took, or nothing where it did not finish or the array is longer than a
   *     message may be; then the other times of this exchange mean nothing either
   */
  public Optional<Duration> time(long bytes, Duration limit) {
    if (bytes < 0 || bytes % Integer.BYTES != 0) {
      throw new IllegalArgumentException(
          "Cannot time exchange: bytes=%d, expected a multiple of 4".formatted(bytes));
    }
    if (bytes > MOST_BYTES) {
      return Optional.empty();
    }
    long own = number++;
    int[] body = new int[(int) (bytes / Integer.BYTES)];
    long started = System.nanoTime();
    try {
      mesh.send(SharedMessage.dense(mesh.run(), mesh.rank(), own, body));
      while (System.nanoTime() - started < limit.toNanos()) {
        for (SharedMessage next = mesh.poll(); next != null; next = mesh.poll()) {
          if (next.kind() == SharedMessage.Kind.DENSE && next.step() == own) {
            return Optional.of(Duration.ofNanos(System.nanoTime() - started));
          }
        }
        mesh.await();
      }
    } catch (SharingException e) {
      return Optional.empty(); // it does not finish
    }
    return Optional.empty();
  }

  @Override
  public void close() {
    mesh.close();
  }
}

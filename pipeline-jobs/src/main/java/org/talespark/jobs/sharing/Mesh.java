package org.talespark.jobs.sharing;

import static java.util.stream.Collectors.joining;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A worker's end of the mesh. Other workers' updates wait in a queue until the training thread
 * takes them.
 */
final class Mesh implements AutoCloseable {
  private static final long LOOK_MILLIS = 50;

  private final SharingConfig config;
  private final Rendezvous root;
  private final int rank;
  private final long timeoutNanos;
  private final BlockingQueue<SharedMessage> inbox = new LinkedBlockingQueue<>();
  private final Node node;

  private Mesh(SharingConfig config, Rendezvous root, int rank, String host) {
    this.config = config;
    this.root = root;
    this.rank = rank;
    this.timeoutNanos = TimeUnit.SECONDS.toNanos(config.timeoutSeconds());
    String rootId = GuardedTransport.idOf(root.host(), root.port());
    this.node =
        Node.start(config, root, rank, host, config.portOf(rank), rootId::equals, inbox::add);
  }

  /**
   * Joins the mesh; returns when every worker has heard every other one.
   *
   * @param host name or number of this executor's machine; the settings' network goes before it
   * @throws SharingException when workers are missing after the timeout, whom it names
   */
  static Mesh join(SharingConfig config, Rendezvous root, int rank, String host) {
    if (rank < 0 || rank >= root.workers()) {
      throw new IllegalArgumentException(
          "Cannot join: worker=%d, expected 0 to %d".formatted(rank, root.workers() - 1));
    }
    Mesh mesh = new Mesh(config, root, rank, PrivateAddress.find(host, config.networkMask()));
    try {
      mesh.awaitAll();
      return mesh;
    } catch (RuntimeException e) {
      mesh.close();
      throw e;
    }
  }

  private void awaitAll() {
    long started = System.nanoTime();
    while (!node.peers().complete()) {
      node.check(Long.MAX_VALUE);
      if (System.nanoTime() - started > timeoutNanos) {
        throw incomplete();
      }
      pause();
    }
  }

  private SharingException incomplete() {
    List<Integer> missing = node.peers().missing();
    if (missing.isEmpty()) {
      return new SharingException(
          "Cannot start sharing: worker=%d hears all %d workers but they do not hear each other, expected a complete mesh within %d s"
              .formatted(rank, root.workers(), config.timeoutSeconds()),
          SharingException.NOBODY);
    }
    String names =
        missing.stream()
            .map(other -> "worker %d (UDP port %d)".formatted(other, config.portOf(other)))
            .collect(joining(", "));
    return new SharingException(
        "Cannot start sharing: missing %s, expected all %d workers within %d s; try a longer gradient_sharing.timeout_seconds, and let UDP pass"
            .formatted(names, root.workers(), config.timeoutSeconds()),
        missing.get(0));
  }

  int rank() {
    return rank;
  }

  int workers() {
    return root.workers();
  }

  long run() {
    return root.run();
  }

  Peers peers() {
    return node.peers();
  }

  Node node() {
    return node;
  }

  /** Sends to all other workers. */
  void send(SharedMessage message) {
    node.check(timeoutNanos);
    node.send(message);
  }

  /** The next message that has arrived, or null. */
  SharedMessage poll() {
    return inbox.poll();
  }

  /** Throws when a node was lost; otherwise waits a little for something to arrive. */
  void await() {
    node.check(timeoutNanos);
    pause();
  }

  private void pause() {
    try {
      node.peers().await(LOOK_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SharingException(
          "Cannot share updates: worker=%d was interrupted".formatted(rank),
          SharingException.NOBODY,
          e);
    }
  }

  @Override
  public void close() {
    node.close();
  }
}

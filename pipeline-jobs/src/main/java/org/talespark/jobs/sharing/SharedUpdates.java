package org.talespark.jobs.sharing;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Shares updates with the other workers of a run: what a worker adds to its parameters at a step is
 * the sparse part of its own update and what has arrived of the others' since its last step.
 *
 * <p>Every update is applied by the thread that calls this, in the order of arrival; a worker that
 * is too far ahead waits (see {@link SharingConfig#maxUpdatesBehind}). With a bound of 0 each step
 * applies exactly the updates of that step, in the order of ranks, so that equal replicas stay bit
 * for bit equal. With a larger one they are equal up to rounding after {@link #drain}.
 *
 * <p>One thread at a time may call it. After a {@link SharingException} only {@link #close} is of
 * use.
 */
public final class SharedUpdates implements AutoCloseable {
  private static final long NOT_BEGUN = -1;

  private final Mesh mesh;
  private final ThresholdCodec codec;
  private final int bound;
  private final long timeoutNanos;
  private final int timeoutSeconds;
  private final Queue<SharedMessage> held = new ArrayDeque<>();

  private long begun = NOT_BEGUN;
  private long step = NOT_BEGUN;

  private SharedUpdates(SharingConfig config, Mesh mesh, ThresholdCodec codec) {
    this.mesh = mesh;
    this.codec = codec;
    this.bound = config.maxUpdatesBehind();
    this.timeoutSeconds = config.timeoutSeconds();
    this.timeoutNanos = TimeUnit.SECONDS.toNanos(timeoutSeconds);
  }

  /**
   * Joins the other workers; returns when all are connected with all.
   *
   * @param root where the driver's root is
   * @param rank this worker's number
   * @param host name or number of this executor's machine
   * @param length elements of an update
   * @throws SharingException when workers are missing, whom it names, or the root does not answer
   */
  public static SharedUpdates join(
      SharingConfig config, Rendezvous root, int rank, String host, long length) {
    ThresholdCodec codec = new ThresholdCodec(config, length);
    try {
      return new SharedUpdates(config, Mesh.join(config, root, rank, host), codec);
    } catch (RuntimeException e) {
      codec.close();
      throw e;
    }
  }

  /**
   * Shares this worker's update of a step. Every worker calls it once for each step, with steps one
   * after the other from the same first one.
   *
   * @param update FLOAT, rank 1, without gaps: in, this worker's share (its update divided by the
   *     number of workers); out, the sum of the sparse updates that are to be applied now, its own
   *     included
   * @param newStep its number, from 0
   * @throws SharingException when a worker was lost or stays behind for the timeout, whom it names
   * @throws IllegalStateException when an element is not finite
   */
  public void share(INDArray update, long newStep) {
    if (newStep < 0 || (step != NOT_BEGUN && newStep != step + 1)) {
      throw new IllegalArgumentException(
          "Cannot share update: step=%d, expected %d".formatted(newStep, step + 1));
    }
    EncodedUpdate own = codec.encode(update);
    SharedMessage message = SharedMessage.update(mesh.run(), mesh.rank(), newStep, own);
    mesh.send(message);
    begun = begun == NOT_BEGUN ? newStep : begun;
    step = newStep;
    awaitOthers(step - bound);
    List<SharedMessage> ready = arrived(bound == 0 ? step : Long.MAX_VALUE);
    ready.add(0, message);
    apply(ready, update);
  }

  /**
   * Waits for all updates up to the last shared step, so that all workers have applied the same
   * ones. Every worker calls it after the same step.
   *
   * @param rest FLOAT, as long as an update: out, what is still to be applied
   */
  public void drain(INDArray rest) {
    awaitOthers(step);
    apply(arrived(step), rest);
  }

  /** Waits until no worker's update of this step, or of one before it, is missing. */
  private void awaitOthers(long least) {
    OptionalInt elsewhere = mesh.peers().elsewhere(begun);
    long waiting = System.nanoTime();
    long known = NOT_BEGUN;
    OptionalInt behind = mesh.peers().behind(least, begun);
    while (behind.isPresent() && elsewhere.isEmpty()) {
      int rank = behind.getAsInt();
      long last = mesh.peers().last(rank);
      if (last != known) {
        known = last;
        waiting = System.nanoTime();
      }
      if (mesh.peers().hasLeft(rank) || System.nanoTime() - waiting > timeoutNanos) {
        throw stuck(rank, least);
      }
      mesh.await();
      elsewhere = mesh.peers().elsewhere(begun);
      behind = mesh.peers().behind(least, begun);
    }
    if (elsewhere.isPresent()) {
      throw new SharingException(
          "Cannot share updates: worker %d began with another step, expected step %d"
              .formatted(elsewhere.getAsInt(), begun),
          elsewhere.getAsInt());
    }
  }

  private SharingException stuck(int rank, long least) {
    String why =
        mesh.peers().hasLeft(rank)
            ? "has left"
            : "is alive (silent for %.1f s) but has not come further for %d s"
                .formatted(mesh.peers().silentSeconds(rank), timeoutSeconds);
    return new SharingException(
        "Cannot share updates: worker %d %s, its last step is %d, expected step %d; worker %d is at step %d"
            .formatted(rank, why, mesh.peers().last(rank), least, mesh.rank(), step),
        rank);
  }

  /** What has arrived, without what belongs to later steps. */
  private List<SharedMessage> arrived(long last) {
    for (SharedMessage next = mesh.poll(); next != null; next = mesh.poll()) {
      if (next.isUpdate()) {
        held.add(next);
      }
    }
    List<SharedMessage> ready = new ArrayList<>();
    held.removeIf(message -> message.step() <= last && ready.add(message));
    return ready;
  }

  private void apply(List<SharedMessage> messages, INDArray out) {
    if (bound == 0) {
      messages.sort(
          Comparator.comparingLong(SharedMessage::step).thenComparingInt(SharedMessage::rank));
    }
    FloatBlocks target = FloatBlocks.of("update", out, codec.length());
    out.assign(0);
    for (SharedMessage message : messages) {
      if (message.update().length() != codec.length()) {
        throw new SharingException(
            "Cannot share updates: worker %d has %d elements, expected %d"
                .formatted(message.rank(), message.update().length(), codec.length()),
            message.rank());
      }
      message.update().addTo(target);
    }
  }

  /** Bytes this worker has handed to the network so far, signs of life included. */
  public long bytesSent() {
    return mesh.node().bytesSent();
  }

  /** What an element must reach to be sent with the next update. */
  public double threshold() {
    return codec.threshold();
  }

  /** What a checkpoint must keep of this worker; its array is not a copy. */
  public SharingState state() {
    return codec.state();
  }

  /** Goes on from a checkpoint; before the first {@link #share}. */
  public void restore(SharingState state) {
    codec.restore(state);
  }

  /** For tests: ends as a process that is killed. */
  void vanish() {
    mesh.node().vanish();
    codec.close();
  }

  /** Tells the others, ends all threads and frees port and memory. */
  @Override
  public void close() {
    mesh.close();
    codec.close();
  }
}

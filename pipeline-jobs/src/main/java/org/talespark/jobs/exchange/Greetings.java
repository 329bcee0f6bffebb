package org.talespark.jobs.exchange;

import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Who has connected to this worker, and who has welcomed it. A run begins when both hold for every
 * other worker, so that a line that is open in one direction only, or not at all, shows before the
 * first step.
 */
final class Greetings {
  private static final AttributeKey<Integer> SENDER =
      AttributeKey.valueOf(Greetings.class, "sender");

  private final UUID run;
  private final int rank;

  // guarded by this
  private final Channel[] incoming;
  private final boolean[] welcomed;
  private String refusal;

  Greetings(UUID run, int rank, int workers) {
    this.run = run;
    this.rank = rank;
    this.incoming = new Channel[workers];
    this.welcomed = new boolean[workers];
  }

  /** The worker that greeted on this connection, or null. */
  static Integer sender(Channel channel) {
    return channel.attr(SENDER).get();
  }

  /** Takes a HELLO; null, or what is wrong with it. */
  synchronized String admit(Channel channel, Frame hello) {
    if (!hello.run().equals(run)) {
      return "run=" + hello.run() + ", expected another run; a worker of an earlier attempt?";
    }
    if (hello.workers() != incoming.length) {
      return "workers=%d, expected %d".formatted(hello.workers(), incoming.length);
    }
    if (hello.rank() == rank || incoming[hello.rank()] != null) {
      return "rank=" + hello.rank() + ", expected one that is not connected yet";
    }
    channel.attr(SENDER).set(hello.rank());
    incoming[hello.rank()] = channel;
    notifyAll();
    return channel.isActive() ? null : "it went away";
  }

  /** Another worker has answered HELLO. */
  synchronized void welcome(int other) {
    welcomed[other] = true;
    notifyAll();
  }

  /** A connection that is needed will not come about; the first reason counts. */
  synchronized void refused(String why) {
    refusal = refusal == null ? why : refusal;
    notifyAll();
  }

  /** The connection on which a worker has greeted. */
  synchronized Channel incoming(int other) {
    return incoming[other];
  }

  /**
   * Waits until everybody has greeted and answered.
   *
   * @throws ExchangeException naming who has not
   */
  synchronized void await(int timeoutSeconds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
    while (true) {
      List<Integer> silent = others(other -> incoming[other] == null);
      List<Integer> deaf = others(other -> !welcomed[other]);
      if (silent.isEmpty() && deaf.isEmpty()) {
        return;
      }
      if (refusal != null) {
        throw new ExchangeException("Cannot join the run: " + refusal, ExchangeException.NOBODY);
      }
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        List<Integer> missing = silent.isEmpty() ? deaf : silent;
        throw new ExchangeException(
            "Cannot join the run: rank %d waited %d s for ranks %s to %s, expected all %d; try their executors' logs, ports that no firewall blocks (exchange.port, exchange.ports), or a larger exchange.timeout_seconds"
                .formatted(
                    rank,
                    timeoutSeconds,
                    missing,
                    silent.isEmpty() ? "answer" : "connect",
                    incoming.length),
            missing.get(0));
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ExchangeException(
            "Cannot join the run: interrupted", ExchangeException.NOBODY, e);
      }
    }
  }

  private List<Integer> others(IntPredicate which) {
    return IntStream.range(0, incoming.length)
        .filter(other -> other != rank && which.test(other))
        .boxed()
        .toList();
  }
}

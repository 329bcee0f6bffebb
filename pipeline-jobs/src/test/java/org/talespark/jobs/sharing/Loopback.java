package org.talespark.jobs.sharing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** A root and workers in this process, each with its own port. */
final class Loopback {
  static final String HOST = "127.0.0.1";

  private Loopback() {}

  /** Settings with free ports. */
  static SharingConfig config(int workers, int timeoutSeconds) {
    for (int first = 21_000; first < 30_000; first += 97) {
      int base = first;
      if (IntStream.rangeClosed(0, workers).allMatch(i -> isFree(base + i))) {
        return SharingConfig.defaults().withFixedThreshold(0.5).withPort(base, timeoutSeconds);
      }
    }
    throw new IllegalStateException("Cannot test: no free ports");
  }

  private static boolean isFree(int port) {
    try (DatagramSocket socket =
        new DatagramSocket(new InetSocketAddress(InetAddress.getByName(HOST), port))) {
      return socket.isBound();
    } catch (java.net.SocketException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Joins some of the workers at the same time. */
  static List<SharedUpdates> join(
      SharingConfig config, ParameterServerRoot root, int length, int... ranks) throws Exception {
    List<Callable<SharedUpdates>> calls = new ArrayList<>();
    for (int rank : ranks) {
      calls.add(() -> SharedUpdates.join(config, root.rendezvous(), rank, HOST, length));
    }
    return together(calls);
  }

  /** Runs the calls at the same time; throws what the first of them threw. */
  static <T> List<T> together(List<Callable<T>> calls) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(calls.size());
    try {
      List<T> results = new ArrayList<>();
      for (Future<T> future : threads.invokeAll(calls, 60, TimeUnit.SECONDS)) {
        results.add(future.get());
      }
      return results;
    } finally {
      threads.shutdownNow();
    }
  }
}

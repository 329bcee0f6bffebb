package org.talespark.jobs.exchange;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.spark.network.util.MapConfigProvider;
import org.apache.spark.network.util.TransportConf;

/** Several workers in one JVM, connected over 127.0.0.1. */
final class Loopback implements AutoCloseable {
  /** What one worker does. */
  interface Work<T> {
    T on(RingExchange exchange) throws Exception;
  }

  private static final long LIMIT_SECONDS = 60;

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<RingExchange> workers;
  private final List<Mesh> meshes;

  private Loopback(List<RingExchange> workers, List<Mesh> meshes) {
    this.workers = workers;
    this.meshes = meshes;
  }

  static Loopback of(int workers, ExchangeConfig config) throws Exception {
    return of(workers, config, conf(Map.of()), new Security.Open());
  }

  static Loopback of(int workers, ExchangeConfig config, TransportConf conf, Security security)
      throws Exception {
    UUID run = UUID.randomUUID();
    List<Mesh> meshes = new ArrayList<>();
    List<InetSocketAddress> addresses = new ArrayList<>();
    for (int rank = 0; rank < workers; rank++) {
      Mesh mesh = Mesh.bind(conf, security, "127.0.0.1", 0, 1);
      meshes.add(mesh);
      addresses.add(InetSocketAddress.createUnresolved("127.0.0.1", mesh.port()));
    }
    List<RingExchange> joined = new ArrayList<>();
    try (Loopback starter = new Loopback(List.of(), List.of())) {
      List<Future<RingExchange>> futures = new ArrayList<>();
      for (int rank = 0; rank < workers; rank++) {
        int me = rank;
        futures.add(
            starter.threads.submit(
                () -> RingExchange.join(meshes.get(me), run, me, addresses, config)));
      }
      for (Future<RingExchange> future : futures) {
        joined.add(future.get(LIMIT_SECONDS, TimeUnit.SECONDS));
      }
    }
    return new Loopback(joined, meshes);
  }

  static TransportConf conf(Map<String, String> settings) {
    return new TransportConf("talespark", new MapConfigProvider(settings));
  }

  RingExchange worker(int rank) {
    return workers.get(rank);
  }

  int port(int rank) {
    return meshes.get(rank).port();
  }

  /** Ends a worker's connections without a word, as the death of its process would. */
  void kill(int rank) {
    meshes.get(rank).close();
  }

  <T> Future<T> start(int rank, Work<T> work) {
    return threads.submit(() -> work.on(workers.get(rank)));
  }

  /** Runs the work on every worker at once and returns the results by rank. */
  <T> List<T> all(Work<T> work) throws Exception {
    List<Future<T>> futures = new ArrayList<>();
    for (int rank = 0; rank < workers.size(); rank++) {
      futures.add(start(rank, work));
    }
    List<T> results = new ArrayList<>();
    for (Future<T> future : futures) {
      results.add(future.get(LIMIT_SECONDS, TimeUnit.SECONDS));
    }
    return results;
  }

  @Override
  public void close() {
    workers.forEach(RingExchange::close);
    threads.shutdownNow();
  }
}

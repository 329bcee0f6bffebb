package org.talespark.jobs.bench;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.ExchangeConfig;
import org.talespark.jobs.exchange.RingExchange;
import org.talespark.zoo.runtime.NativeRuntime;

/**
 * What each of two executors does for {@code bench exchange}: sums arrays in full, in half
 * precision and encrypted, and swaps them over a plain socket. The ways take turns, round by round,
 * so that whatever else happens on the machine meets all of them.
 *
 * @param sizes of the arrays, in bytes
 * @param rounds to measure; a fourth of them (at least 3) for arrays above {@value #LARGE} bytes
 * @param secret what the encrypted connections of these two tasks authenticate with
 */
record BenchExchangeTask(List<Long> sizes, int rounds, String secret)
    implements BarrierStage.Work<BenchExchangeTask.Samples> {

  /** A way to do it. */
  enum Way {
    FULL,
    HALF,
    ENCRYPTED,
    SOCKET
  }

  /** Milliseconds of each way at one size, a list entry a round. */
  record Times(long bytes, Way way, List<Double> milliseconds) implements Serializable {
    Times {
      milliseconds = List.copyOf(milliseconds);
    }
  }

  /** What a task measured. */
  record Samples(List<Times> times) implements Serializable {
    Samples {
      times = List.copyOf(times);
    }
  }

  static final long LARGE = 100_000_000;

  private static final int TIMEOUT_SECONDS = 60;

  /** Bytes that a block moves at least, so that small sums are timed by the hundred. */
  private static final long BLOCK_BYTES = 8_000_000;

  private static final int MAX_REPEATS = 200;

  /** Bytes that each way moves before it is measured, for the Java compiler. */
  private static final long WARM_UP_BYTES = 1_500_000_000;

  private static final long ENCRYPTED_WARM_UP_BYTES = 400_000_000;
  private static final long MAX_WARM_UP_BLOCKS_A_ROUND = 5;

  @Override
  public Samples run(BarrierTaskContext context) throws Exception {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
    SparkConf conf = SparkEnv.get().conf();
    ExchangeConfig full = ExchangeConfig.defaults().withTimeoutSeconds(TIMEOUT_SECONDS);
    SparkConf secure =
        conf.clone()
            .set("spark.authenticate", "true")
            .set("spark.authenticate.secret", secret)
            .set("spark.network.crypto.enabled", "true");
    try (Exchange first = RingExchange.connect(context, conf, full);
        Exchange second =
            RingExchange.connect(context, conf, full.withWire(ExchangeConfig.Wire.HALF));
        Exchange third = RingExchange.connect(context, secure, full);
        BenchExchangeSocket socket = BenchExchangeSocket.connect(first)) {
      List<Times> times = new ArrayList<>();
      for (long bytes : sizes) {
        INDArray array = Nd4j.zeros(DataType.FLOAT, bytes / Float.BYTES);
        INDArray other = Nd4j.zeros(DataType.FLOAT, bytes / Float.BYTES);
        Map<Way, Sum> ways = new EnumMap<>(Way.class);
        ways.put(Way.FULL, () -> first.allReduceSum(array));
        ways.put(Way.HALF, () -> second.allReduceSum(array));
        ways.put(Way.ENCRYPTED, () -> third.allReduceSum(array));
        ways.put(Way.SOCKET, () -> socket.swap(array, other));
        times.addAll(measure(bytes, array, first, ways));
        array.close();
        other.close();
      }
      return new Samples(times);
    }
  }

  /** One movement of the array. */
  private interface Sum {
    void run() throws IOException;
  }

  private List<Times> measure(long bytes, INDArray array, Exchange exchange, Map<Way, Sum> ways)
      throws IOException {
    int repeats = (int) Math.max(1, Math.min(MAX_REPEATS, BLOCK_BYTES / bytes));
    int count = bytes > LARGE ? Math.max(3, rounds / 4) : rounds;
    Map<Way, List<Double>> samples = new EnumMap<>(Way.class);
    for (Map.Entry<Way, Sum> way : ways.entrySet()) {
      samples.put(way.getKey(), new ArrayList<>());
      long warmUp = way.getKey() == Way.ENCRYPTED ? ENCRYPTED_WARM_UP_BYTES : WARM_UP_BYTES;
      long blocks =
          Math.max(1, Math.min(MAX_WARM_UP_BLOCKS_A_ROUND * rounds, warmUp / (bytes * repeats)));
      for (int block = 0; block < blocks; block++) {
        block(array, exchange, way.getValue(), repeats);
      }
    }
    for (int round = 0; round < count; round++) {
      for (Map.Entry<Way, Sum> way : ways.entrySet()) {
        samples.get(way.getKey()).add(block(array, exchange, way.getValue(), repeats));
      }
    }
    return samples.entrySet().stream()
        .map(e -> new Times(bytes, e.getKey(), e.getValue()))
        .toList();
  }

  /** Milliseconds of one movement, from the moment at which both are ready. */
  private static double block(INDArray array, Exchange exchange, Sum sum, int repeats)
      throws IOException {
    array.assign(0.001f);
    exchange.barrier("block");
    long start = System.nanoTime();
    for (int i = 0; i < repeats; i++) {
      sum.run();
    }
    return (System.nanoTime() - start) / 1e6 / repeats;
  }
}

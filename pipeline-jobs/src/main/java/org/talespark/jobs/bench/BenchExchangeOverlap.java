package org.talespark.jobs.bench;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongFunction;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.ExchangeConfig;
import org.talespark.jobs.exchange.Pending;
import org.talespark.jobs.exchange.RingExchange;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.runtime.NativeRuntime;

/**
 * What each of two executors of one thread does to show how much of the exchange hides behind the
 * backward pass: steps of a feed-forward network without exchange, exchanges of its gradients
 * without steps, and both together, bucket by bucket as the gradients become ready.
 *
 * @param rows samples a step
 * @param width of the layers
 * @param layers how many, each a matrix of width x width and tanh
 * @param rounds to measure; before them, as many again (3 to 10) to warm up
 */
record BenchExchangeOverlap(int rows, int width, int layers, int rounds)
    implements BarrierStage.Work<BenchExchangeOverlap.Samples> {

  /**
   * Milliseconds, a list entry a round.
   *
   * @param gradientBytes size of the gradients
   */
  record Samples(
      long gradientBytes, List<Double> compute, List<Double> communication, List<Double> overlapped)
      implements Serializable {
    Samples {
      compute = List.copyOf(compute);
      communication = List.copyOf(communication);
      overlapped = List.copyOf(overlapped);
    }
  }

  private static final int TIMEOUT_SECONDS = 60;
  private static final long BUCKET_BYTES = 1 << 20;
  private static final int MIN_WARM_UP = 3;
  private static final int MAX_WARM_UP = 10;

  @Override
  public Samples run(BarrierTaskContext context) throws Exception {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
    ExchangeConfig config = ExchangeConfig.defaults().withTimeoutSeconds(TIMEOUT_SECONDS);
    try (Exchange exchange = RingExchange.connect(context, SparkEnv.get().conf(), config);
        CompiledGraph plan = plan()) {
      INDArray flat = plan.gradients().flat();
      List<long[]> buckets = new ArrayList<>();
      plan.run((offset, length) -> buckets.add(new long[] {offset, length}));
      List<Double> compute = new ArrayList<>();
      List<Double> communication = new ArrayList<>();
      List<Double> overlapped = new ArrayList<>();
      int warmUp = Math.max(MIN_WARM_UP, Math.min(MAX_WARM_UP, rounds));
      for (int round = -warmUp; round < rounds; round++) {
        double alone = milliseconds(exchange, plan::run);
        double sums =
            milliseconds(
                exchange,
                () -> {
                  List<Pending> pending = new ArrayList<>();
                  buckets.forEach(b -> pending.add(begin(exchange, flat, b[0], b[1])));
                  pending.forEach(Pending::await);
                });
        double both =
            milliseconds(
                exchange,
                () -> {
                  List<Pending> pending = new ArrayList<>();
                  plan.run((at, length) -> pending.add(begin(exchange, flat, at, length)));
                  pending.forEach(Pending::await);
                });
        if (round >= 0) {
          compute.add(alone);
          communication.add(sums);
          overlapped.add(both);
        }
      }
      return new Samples(flat.length() * Float.BYTES, compute, communication, overlapped);
    }
  }

  private static Pending begin(Exchange exchange, INDArray flat, long offset, long length) {
    return exchange.allReduceSumAsync(flat.get(NDArrayIndex.interval(offset, offset + length)));
  }

  private static double milliseconds(Exchange exchange, Runnable work) {
    exchange.barrier("overlap");
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e6;
  }

  private CompiledGraph plan() {
    SameDiff sd = SameDiff.create();
    SplittableRandom random = new SplittableRandom(1);
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, rows, width);
    List<String> names = new ArrayList<>();
    LongFunction<INDArray> draw = n -> normal(random, (int) n);
    SDVariable y = x; // [rows, width]
    for (int layer = 0; layer < layers; layer++) {
      String name = "weight" + layer;
      names.add(name);
      INDArray weight = draw.apply((long) width * width).reshape(width, width);
      y = sd.math.tanh(y.mmul(sd.var(name, weight)));
    }
    y.mul(y).mean().rename("loss");
    sd.setLossVariables("loss");
    CompiledGraph plan =
        CompiledGraph.of(sd)
            .input("x", rows, width)
            .train(names)
            .losses("loss")
            .bucketBytes(BUCKET_BYTES)
            .build();
    plan.input("x").assign(draw.apply((long) rows * width).reshape(rows, width));
    return plan;
  }

  private INDArray normal(SplittableRandom random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(width));
    }
    return Nd4j.createFromArray(values);
  }
}

package org.talespark.jobs.bench;

import static java.util.Objects.requireNonNull;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.talespark.jobs.Context;
import org.talespark.jobs.ForPeople;
import org.talespark.jobs.JobCommand;
import org.talespark.jobs.bench.BenchExchangeTask.Way;
import org.talespark.jobs.cluster.BarrierStage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code bench exchange}: sums arrays between two executors, beside a plain socket and another way,
 * fits the cost model, and measures how much of the exchange hides behind a backward pass.
 */
@Command(
    name = "exchange",
    description = "Times sums of arrays between two executors, beside a plain loopback socket.")
public final class BenchExchangeCommand extends JobCommand {
  private static final int WORKERS = 2;
  private static final int SECRET_BYTES = 32;

  /** Below this size the plain socket's own latency would pass for that of the exchange. */
  private static final long LEAST_SWAP_BYTES = 1_000_000;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Rounds to measure (${DEFAULT-VALUE}); a fourth of them for 400 MB.")
  private int rounds = 12;

  @Option(
      names = "--bytes",
      paramLabel = "N",
      description = "A size to measure; may be repeated; without it 4 kB, 4, 40 and 400 MB.")
  private List<Long> sizes = new ArrayList<>();

  private final PeerExchange peer;

  /** DL4J's parameter server is measured beside. */
  public BenchExchangeCommand() {
    this(new ParameterServerPeer());
  }

  /**
   * @param peer the way that is measured beside, {@code parameter_server_ms} in the result
   */
  public BenchExchangeCommand(PeerExchange peer) {
    this.peer = requireNonNull(peer, "peer");
  }

  /**
   * One size; medians in milliseconds, of the slower worker of each round.
   *
   * @param allreduceBestMs the fastest round
   * @param socketBestMs the fastest round
   */
  record Case(
      long bytes,
      double allreduceMs,
      double socketMs,
      Double parameterServerMs,
      double halfMs,
      double encryptedMs,
      double socketRatio,
      double allreduceBestMs,
      double socketBestMs) {}

  /** The fitted costs. */
  record Model(
      double latencyUs, double moveNsPerByte, double sumNsPerByte, double largestRelativeError) {}

  /** Steps with and without exchange. */
  record Overlap(
      long bytes, double computeMs, double communicationMs, double overlappedMs, double ratio) {}

  /** All of it. */
  record Figures(int rounds, List<Case> cases, Model model, Overlap overlap) implements ForPeople {

    @Override
    public String text() {
      StringBuilder text =
          new StringBuilder("Two executors, medians of %d rounds%n".formatted(rounds));
      for (Case each : cases) {
        text.append(
            "%,12d bytes: all-reduce %.2f ms, socket %.2f ms (%.0f %% of its speed), half precision %.2f ms, encrypted %.2f ms, parameter server %s%n"
                .formatted(
                    each.bytes(),
                    each.allreduceMs(),
                    each.socketMs(),
                    100 * each.socketRatio(),
                    each.halfMs(),
                    each.encryptedMs(),
                    each.parameterServerMs() == null
                        ? "not measured"
                        : "%.0f ms".formatted(each.parameterServerMs())));
      }
      if (model != null) {
        text.append(
            "Cost model: %.1f us a message, %.3f ns a byte moved, %.3f ns a byte summed, largest error %.0f %%%n"
                .formatted(
                    model.latencyUs(),
                    model.moveNsPerByte(),
                    model.sumNsPerByte(),
                    100 * model.largestRelativeError()));
      }
      return text.append(
              "Overlap, %,d bytes: compute %.1f ms, communication %.1f ms, together %.1f ms (%.2f of the larger)%n"
                  .formatted(
                      overlap.bytes(),
                      overlap.computeMs(),
                      overlap.communicationMs(),
                      overlap.overlappedMs(),
                      overlap.ratio()))
          .toString();
    }
  }

  @Override
  protected Object run(Context context) throws Exception {
    List<Long> bytes =
        sizes.isEmpty() ? List.of(4_000L, 4_000_000L, 40_000_000L, 400_000_000L) : sizes;
    for (long size : bytes) {
      check(
          "bytes",
          size,
          size >= 4 && size % 4 == 0 && size <= 1 << 30,
          "a multiple of 4 up to 2^30");
    }
    check("rounds", rounds, rounds >= 1, "at least 1");
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    SparkSession spark = context.spark();
    context.log().println("sums of %s bytes".formatted(bytes));
    BenchExchangeTask task =
        new BenchExchangeTask(List.copyOf(bytes), rounds, HexFormat.of().formatHex(secret));
    List<BenchExchangeTask.Samples> measured =
        BarrierStage.run(spark.sparkContext(), WORKERS, task);
    List<Case> cases = new ArrayList<>();
    for (long size : bytes) {
      cases.add(result(measured, size, peer.milliseconds(spark, size)));
    }
    context.log().println("overlap with a backward pass");
    Overlap overlap = overlap(spark);
    return new Figures(rounds, cases, model(cases), overlap);
  }

  private static void check(String name, long value, boolean good, String rule) {
    if (!good) {
      throw new IllegalArgumentException(
          "Cannot time exchanges: %s=%d, expected %s".formatted(name, value, rule));
    }
  }

  private static Case result(
      List<BenchExchangeTask.Samples> measured, long bytes, Optional<Double> peer) {
    double full = median(measured, bytes, Way.FULL);
    double socket = median(measured, bytes, Way.SOCKET);
    return new Case(
        bytes,
        rounded(full),
        rounded(socket),
        peer.map(BenchExchangeCommand::rounded).orElse(null),
        rounded(median(measured, bytes, Way.HALF)),
        rounded(median(measured, bytes, Way.ENCRYPTED)),
        rounded(socket / full),
        rounded(slower(samples(measured, bytes, Way.FULL))[0]),
        rounded(slower(samples(measured, bytes, Way.SOCKET))[0]));
  }

  private static double median(List<BenchExchangeTask.Samples> measured, long bytes, Way way) {
    return median(samples(measured, bytes, way));
  }

  private static List<List<Double>> samples(
      List<BenchExchangeTask.Samples> measured, long bytes, Way way) {
    return measured.stream()
        .flatMap(samples -> samples.times().stream())
        .filter(times -> times.bytes() == bytes && times.way() == way)
        .map(BenchExchangeTask.Times::milliseconds)
        .toList();
  }

  /** The median over the rounds of the slower worker's time. */
  static double median(List<List<Double>> byWorker) {
    double[] slower = slower(byWorker);
    int middle = slower.length / 2;
    return slower.length % 2 == 1 ? slower[middle] : (slower[middle - 1] + slower[middle]) / 2;
  }

  /** The slower worker's time of each round, the fastest round first. */
  private static double[] slower(List<List<Double>> byWorker) {
    double[] slower = new double[byWorker.get(0).size()];
    for (List<Double> one : byWorker) {
      for (int round = 0; round < slower.length; round++) {
        slower[round] = Math.max(slower[round], one.get(round));
      }
    }
    Arrays.sort(slower);
    return slower;
  }

  private Overlap overlap(SparkSession spark) {
    List<BenchExchangeOverlap.Samples> measured =
        BarrierStage.run(
            spark.sparkContext(), WORKERS, new BenchExchangeOverlap(1024, 512, 8, rounds));
    double compute = median(measured.stream().map(s -> s.compute()).toList());
    double communication = median(measured.stream().map(s -> s.communication()).toList());
    double overlapped = median(measured.stream().map(s -> s.overlapped()).toList());
    return new Overlap(
        measured.get(0).gradientBytes(),
        rounded(compute),
        rounded(communication),
        rounded(overlapped),
        rounded(overlapped / Math.max(compute, communication)));
  }

  /** Null when there are too few sizes to tell the costs apart. */
  private static Model model(List<Case> cases) {
    List<CostModel.Point> points = points(cases);
    boolean enough =
        cases.size() >= 2
            && cases.stream().anyMatch(c -> c.bytes() < LEAST_SWAP_BYTES)
            && points.stream().anyMatch(p -> p.method() == CostModel.Method.SWAP);
    if (!enough) {
      return null;
    }
    CostModel model = CostModel.fit(points);
    return new Model(
        rounded(model.latency() * 1e6),
        rounded(model.move() * 1e9),
        rounded(model.sum() * 1e9),
        rounded(model.largestError(points)));
  }

  /** The fastest rounds: what other programs on the machine have disturbed least. */
  private static List<CostModel.Point> points(List<Case> cases) {
    List<CostModel.Point> points = new ArrayList<>();
    for (Case each : cases) {
      boolean small =
          each.bytes() < org.talespark.jobs.exchange.ExchangeConfig.defaults().smallBytes(WORKERS);
      CostModel.Method method = small ? CostModel.Method.TREE : CostModel.Method.RING;
      points.add(new CostModel.Point(method, WORKERS, each.bytes(), each.allreduceBestMs() / 1e3));
      if (each.bytes() >= LEAST_SWAP_BYTES) {
        points.add(
            new CostModel.Point(
                CostModel.Method.SWAP, WORKERS, each.bytes(), each.socketBestMs() / 1e3));
      }
    }
    return points;
  }

  private static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}

package org.talespark.jobs.bench;

import org.talespark.jobs.Context;
import org.talespark.jobs.ForPeople;
import org.talespark.jobs.JobCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bench search}: exact search over random rows in memory. */
@Command(
    name = "search",
    description = "Times exact search over random embeddings in memory, and checks what it finds.")
public final class BenchSearchCommand extends JobCommand {

  @Option(
      names = "--rows",
      paramLabel = "N",
      description = "Embeddings that are searched (${DEFAULT-VALUE}).")
  private long rows = 1_000_000;

  @Option(
      names = "--width",
      paramLabel = "P",
      description = "Numbers of an embedding (${DEFAULT-VALUE}).")
  private int width = 512;

  @Option(
      names = "--queries",
      paramLabel = "Q",
      description = "Queries of a batch (${DEFAULT-VALUE}).")
  private int queries = 100;

  @Option(names = "--top", paramLabel = "K", description = "Results a query (${DEFAULT-VALUE}).")
  private int most = 10;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads, each with a share of the rows; without it the machine's processors.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--turns",
      paramLabel = "N",
      description = "Batches that are timed, after one that is not (${DEFAULT-VALUE}).")
  private int turns = 5;

  @Option(
      names = "--check",
      paramLabel = "N",
      description = "Queries that are held against brute force (${DEFAULT-VALUE}).")
  private int checked = 4;

  /**
   * The result.
   *
   * @param medianSeconds a batch
   * @param gflops billions of multiplications and additions a second, of all threads together
   * @param equalToBruteForce null where nothing was checked
   */
  record Figures(
      long rows,
      int width,
      int queries,
      int top,
      int threads,
      int turns,
      double loadSeconds,
      double medianSeconds,
      double leastSeconds,
      double gflops,
      Boolean equalToBruteForce)
      implements ForPeople {
    @Override
    public String text() {
      String checked =
          equalToBruteForce == null
              ? "not checked"
              : equalToBruteForce ? "equal to brute force" : "NOT equal to brute force";
      return "%d x %d, %d queries, top %d, %d threads, %d turns%nmedian %.3f s a batch, least %.3f s, %.0f GFLOP/s; %s%n"
          .formatted(
              rows,
              width,
              queries,
              top,
              threads,
              turns,
              medianSeconds,
              leastSeconds,
              gflops,
              checked);
    }
  }

  @Override
  protected Object run(Context context) {
    SearchBench.Settings settings =
        new SearchBench.Settings(rows, width, queries, most, threads, turns, checked);
    SearchBench.Figures found = SearchBench.run(settings, context.log()::println);
    double median = found.median();
    return new Figures(
        rows,
        width,
        queries,
        most,
        threads,
        turns,
        rounded(found.loadSeconds()),
        rounded(median),
        rounded(found.seconds().stream().mapToDouble(s -> s).min().orElseThrow()),
        rounded(2e-9 * rows * width * queries / median),
        found.equal());
  }

  private static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}

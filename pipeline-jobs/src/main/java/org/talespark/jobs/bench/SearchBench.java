package org.talespark.jobs.bench;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.runtime.NativeMemory;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.search.BlockSearch;
import org.talespark.zoo.search.Hit;
import org.talespark.zoo.search.RowBlock;

/**
 * Times exact search over rows in memory, as the tasks of {@code infer search} do it: each thread
 * compares all queries with its share of the rows.
 */
final class SearchBench implements AutoCloseable {
  private static final int WARM_UP = 1;
  private static final double NANOS = 1e9;

  /**
   * What is searched.
   *
   * @param checked queries whose results are held against brute force
   */
  record Settings(
      long rows, int width, int queries, int most, int threads, int turns, int checked) {
    Settings {
      check(rows >= 1 && rows <= 100_000_000, "--rows", rows, "1 to 100000000");
      check(width >= 1 && width <= 8192, "--width", width, "1 to 8192");
      check(queries >= 1 && queries <= 10_000, "--queries", queries, "1 to 10000");
      check(most >= 1 && most <= 10_000, "--top", most, "1 to 10000");
      check(threads >= 1 && threads <= 256, "--threads", threads, "1 to 256");
      check(turns >= 1 && turns <= 1000, "--turns", turns, "1 to 1000");
      check(checked >= 0 && checked <= queries, "--check", checked, "0 to --queries");
    }

    private static void check(boolean holds, String key, long value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot time search: %s=%d, expected %s".formatted(key, value, rule));
      }
    }
  }

  /**
   * What was measured.
   *
   * @param loadSeconds until all rows were in memory
   * @param seconds of each turn
   * @param equal whether the checked queries found what brute force finds; null where none was
   */
  record Figures(double loadSeconds, List<Double> seconds, Boolean equal) {
    double median() {
      List<Double> sorted = seconds.stream().sorted().toList();
      int middle = sorted.size() / 2;
      return sorted.size() % 2 == 1
          ? sorted.get(middle)
          : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
  }

  private final Settings settings;
  private final float[][] queries;
  private final List<INDArray> arrays = new ArrayList<>();
  private final List<List<RowBlock>> shares = new ArrayList<>(); // of the threads
  private final ExecutorService threads;
  private final double loadSeconds;

  private SearchBench(Settings settings) throws ExecutionException, InterruptedException {
    this.settings = settings;
    NativeRuntime.initialize(
        new NativeRuntime.Settings(1, settings.rows() * settings.width() * Float.BYTES));
    this.threads = Executors.newFixedThreadPool(settings.threads());
    SplittableRandom random = new SplittableRandom(7);
    this.queries = new float[settings.queries()][];
    for (int q = 0; q < queries.length; q++) {
      queries[q] = row(random, settings.width());
    }
    long started = System.nanoTime();
    List<Callable<List<RowBlock>>> loading = new ArrayList<>();
    for (int t = 0; t < settings.threads(); t++) {
      long from = settings.rows() * t / settings.threads();
      long to = settings.rows() * (t + 1) / settings.threads();
      loading.add(() -> load(from, to));
    }
    shares.addAll(all(loading));
    this.loadSeconds = (System.nanoTime() - started) / NANOS;
  }

  /** Measures. */
  static Figures run(Settings settings, Consumer<String> log) {
    try (SearchBench bench = new SearchBench(settings)) {
      log.accept("%d rows in memory".formatted(settings.rows()));
      List<Double> seconds = new ArrayList<>();
      List<List<Hit>> found = List.of();
      for (int turn = 0; turn < WARM_UP + settings.turns(); turn++) {
        long started = System.nanoTime();
        found = bench.search();
        if (turn >= WARM_UP) {
          seconds.add((System.nanoTime() - started) / NANOS);
          log.accept("turn %d: %.3f s".formatted(turn, seconds.get(seconds.size() - 1)));
        }
      }
      Boolean equal = settings.checked() == 0 ? null : (Boolean) bench.isBruteForce(found);
      return new Figures(bench.loadSeconds, seconds, equal);
    } catch (ExecutionException e) {
      throw new IllegalStateException("Cannot time search", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Cannot time search: interrupted", e);
    }
  }

  private static float[] row(SplittableRandom random, int width) {
    float[] row = new float[width];
    double squares = 0;
    for (int p = 0; p < width; p++) {
      row[p] = (float) random.nextDouble(-1, 1);
      squares += row[p] * row[p];
    }
    float length = (float) Math.sqrt(squares);
    for (int p = 0; p < width; p++) {
      row[p] /= length;
    }
    return row;
  }

  private List<RowBlock> load(long from, long to) {
    List<RowBlock> blocks = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(from);
    for (long first = from; first < to; first += BlockSearch.ROWS) {
      int count = (int) Math.min(BlockSearch.ROWS, to - first);
      INDArray block =
          Nd4j.createUninitialized(DataType.FLOAT, new long[] {count, settings.width()}, 'c');
      synchronized (arrays) {
        arrays.add(block);
      }
      FloatBuffer floats = floats(block);
      for (int r = 0; r < count; r++) {
        floats.put(row(random, settings.width()));
      }
      blocks.add(RowBlock.of(block, first));
    }
    return blocks;
  }

  private static FloatBuffer floats(INDArray block) {
    return NativeMemory.window(block, 0, Math.toIntExact(NativeMemory.byteCount(block)))
        .asFloatBuffer();
  }

  private List<List<Hit>> search() throws ExecutionException, InterruptedException {
    List<Callable<List<List<Hit>>>> tasks = new ArrayList<>();
    for (List<RowBlock> share : shares) {
      tasks.add(
          () -> {
            try (BlockSearch search = new BlockSearch(queries, settings.most())) {
              share.forEach(search::look);
              return search.hits();
            }
          });
    }
    List<List<List<Hit>>> parts = all(tasks);
    List<List<Hit>> best = new ArrayList<>();
    for (int q = 0; q < queries.length; q++) {
      int query = q;
      best.add(
          Hit.best(
              parts.stream().flatMap(part -> part.get(query).stream()).toList(), settings.most()));
    }
    return best;
  }

  /** Whether the first queries found what comparing them with every row in double finds. */
  private boolean isBruteForce(List<List<Hit>> found)
      throws ExecutionException, InterruptedException {
    List<Callable<Boolean>> tasks = new ArrayList<>();
    for (int q = 0; q < settings.checked(); q++) {
      int query = q;
      tasks.add(() -> bruteForce(queries[query]).equals(found.get(query)));
    }
    return all(tasks).stream().allMatch(each -> each);
  }

  private List<Hit> bruteForce(float[] query) {
    double[] scores = new double[Math.toIntExact(settings.rows())];
    float[] row = new float[query.length];
    int at = 0;
    for (INDArray block : inOrder()) {
      FloatBuffer floats = floats(block);
      for (int r = 0; r < block.size(0); r++) {
        floats.get(row);
        double sum = 0;
        for (int p = 0; p < row.length; p++) {
          sum += (double) query[p] * row[p];
        }
        scores[at++] = sum;
      }
    }
    double[] sorted = scores.clone();
    Arrays.sort(sorted);
    double least = sorted[Math.max(0, sorted.length - settings.most())];
    List<Hit> hits = new ArrayList<>();
    for (int r = 0; r < scores.length; r++) {
      if (scores[r] >= least) {
        hits.add(new Hit(r, scores[r]));
      }
    }
    return Hit.best(hits, settings.most());
  }

  private List<INDArray> inOrder() {
    return shares.stream().flatMap(List::stream).map(RowBlock::rows).toList();
  }

  private <T> List<T> all(List<Callable<T>> tasks) throws ExecutionException, InterruptedException {
    List<T> results = new ArrayList<>();
    for (Future<T> future : threads.invokeAll(tasks)) {
      results.add(future.get());
    }
    return results;
  }

  @Override
  public void close() {
    threads.shutdownNow();
    arrays.forEach(INDArray::close);
  }
}

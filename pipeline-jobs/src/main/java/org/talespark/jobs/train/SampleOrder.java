package org.talespark.jobs.train;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.talespark.data.dataset.Shard;

/**
 * The order in which a run sees its samples: one endless sequence, epoch after epoch, in which each
 * position is a function of the shards' sizes, the seed and the position alone. Step t of a run
 * with global batch G takes positions t G to t G + G - 1, and worker r the r-th part of them; so
 * the samples do not depend on the number of workers, and a position is enough to go on from, with
 * any number of them.
 *
 * <p>A dataset of at most {@code window} samples is permuted uniformly, anew each epoch. In a
 * larger one an epoch of T samples is made so:
 *
 * <ol>
 *   <li>the shards are permuted and laid end to end;
 *   <li>this line is cut into L lanes of equal length (to within one sample);
 *   <li>each lane is cut into windows of {@code window / L} samples, and each window is permuted;
 *   <li>the lanes are dealt out in turn: position o of the epoch is sample o / L of lane o mod L.
 * </ol>
 *
 * So L neighbours in the sequence come from L places of the dataset, samples of one shard are a
 * window apart, and each lane reads shard after shard. L is a power of two, about the number of
 * shards that a window holds, at least {@value #FEWEST_LANES} where there are as many shards. When
 * L is a multiple of the global batch, as with powers of two, a worker's positions always fall into
 * the same 1 / N of the lanes (of other lanes from epoch to epoch): N workers read N parts of the
 * dataset.
 *
 * <p>Thread-safe.
 */
final class SampleOrder {

  /**
   * A sample.
   *
   * @param shard its number in the order of the manifest
   * @param index of the sample in the shard
   */
  record Place(int shard, int index) {}

  private record Window(long epoch, int lane, long number) {}

  /** The shards of an epoch, end to end. */
  private static final class Line {
    private final int[] shards;
    private final long[] ends;

    Line(int[] shards, int[] counts) {
      this.shards = shards;
      this.ends = new long[shards.length];
      long end = 0;
      for (int i = 0; i < shards.length; i++) {
        end += counts[shards[i]];
        ends[i] = end;
      }
    }

    Place at(long sample) {
      int found = Arrays.binarySearch(ends, sample);
      int i = found >= 0 ? found + 1 : -found - 1; // the first that ends behind the sample
      return new Place(shards[i], (int) (sample - (i == 0 ? 0 : ends[i - 1])));
    }
  }

  static final int FEWEST_LANES = 4;

  private static final long OF_SHARDS = 1;
  private static final long OF_WINDOWS = 2;

  private final int[] counts;
  private final long seed;
  private final long samples;
  private final int lanes;
  private final int laneWindow;
  private final Map<Long, Line> lines;
  private final Map<Window, int[]> windows;

  /**
   * An order.
   *
   * @param counts samples of each shard, at least 1
   * @param window samples that are mixed with each other
   */
  SampleOrder(int[] counts, long seed, int window) {
    this.counts = counts.clone();
    this.seed = seed;
    this.samples = Arrays.stream(counts).asLongStream().sum();
    if (Arrays.stream(counts).anyMatch(count -> count < 1) || samples < 1 || window < 1) {
      throw new IllegalArgumentException(
          "Cannot order samples: shards=%d samples=%d window=%d, expected at least one sample in each of at least one shard, and a window of at least 1"
              .formatted(counts.length, samples, window));
    }
    this.lanes = samples <= window ? 1 : lanes(counts.length, samples, window);
    this.laneWindow = (int) Math.min(samples, window / lanes);
    this.lines = recent(2);
    this.windows = recent(2 * lanes + 2);
  }

  /** The order of these shards. */
  static SampleOrder of(List<Shard> shards, long seed, int window) {
    requireNonNull(shards, "shards");
    return new SampleOrder(
        shards.stream().mapToInt(shard -> Math.toIntExact(shard.samples())).toArray(),
        seed,
        window);
  }

  private static int lanes(int shards, long samples, int window) {
    long inWindow = window / Math.max(1, samples / shards);
    long wanted = Math.max(FEWEST_LANES, Long.highestOneBit(Math.max(1, inWindow)));
    return (int)
        Math.min(wanted, Math.min(Integer.highestOneBit(shards), Integer.highestOneBit(window)));
  }

  /** The latest that were asked for. */
  private static <K, V> Map<K, V> recent(int most) {
    return new LinkedHashMap<>(16, 0.75f, true) {
      @Override
      protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
        return size() > most;
      }
    };
  }

  /** Samples of an epoch. */
  long samples() {
    return samples;
  }

  /** How many places of the dataset are read in turn. */
  int lanes() {
    return lanes;
  }

  /** Shards that all workers together have in use at a time, about. */
  long shardsInUse() {
    if (laneWindow == samples) {
      return counts.length;
    }
    long each = Math.max(1, samples / counts.length);
    return Math.min(counts.length, lanes * (1 + (laneWindow + each - 1) / each));
  }

  /**
   * The sample at a position of the sequence.
   *
   * @param position at least 0
   */
  synchronized Place at(long position) {
    if (position < 0) {
      throw new IllegalArgumentException(
          "Cannot order samples: position=%d, expected at least 0".formatted(position));
    }
    long epoch = position / samples;
    long offset = position % samples;
    int lane = (int) (offset % lanes);
    long index = offset / lanes;
    long shorter = samples / lanes;
    int longerLanes = (int) (samples % lanes);
    long laneStart = lane * shorter + Math.min(lane, longerLanes);
    long laneLength = shorter + (lane < longerLanes ? 1 : 0);
    long number = index / laneWindow;
    long from = number * laneWindow;
    int size = (int) Math.min(laneWindow, laneLength - from);
    int[] permutation =
        cached(
            windows,
            new Window(epoch, lane, number),
            window -> permutation(size, Seeds.of(seed, OF_WINDOWS, epoch, lane, number)));
    return cached(lines, epoch, this::line)
        .at(laneStart + from + permutation[(int) (index - from)]);
  }

  private Line line(long epoch) {
    return new Line(permutation(counts.length, Seeds.of(seed, OF_SHARDS, epoch)), counts);
  }

  private static <K, V> V cached(Map<K, V> map, K key, Function<K, V> made) {
    V value = map.get(key);
    if (value == null) {
      value = made.apply(key);
      map.put(key, value);
    }
    return value;
  }

  /** All of 0 to size - 1, every order as likely (Fisher and Yates, inside out). */
  private static int[] permutation(int size, long seed) {
    int[] order = new int[size];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < size; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
}

package org.talespark.zoo.vq;

import java.util.List;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.train.Reducer;

/**
 * Codes that follow the exponential moving average of the vectors assigned to them
 * (arXiv:1711.00937, appendix A.1):
 *
 * <pre>
 *   N_k = decay N_k + (1 - decay) n_k
 *   m_k = decay m_k + (1 - decay) sum of the z assigned to k
 *   e_k = m_k / N_k
 * </pre>
 *
 * <p>A code whose N_k falls below a limit is dead: it is revived at a vector drawn from the batch,
 * with N_k = 1 and m_k = that vector, so that its old average does not pull it back. At the start
 * all N_k are zero, so the first batch places all codes.
 *
 * <p>With several workers, {@link #collect} writes each worker's counts, sums and drawn vectors
 * into one array; their sum over the workers goes to {@link #update}. The drawn vectors are
 * positions in the global batch, so the result does not depend on how the batch is split.
 *
 * <p>Replicas that step apart share the codes out for revival, each reviving those that are its
 * own, so that no code is two drawn vectors' mean after {@link #merged}.
 */
public final class EmaCodebook {
  private final VectorQuantizer.Config config;
  private final long seed;
  private final Reducer reducer;
  private final INDArray codes;
  private final INDArray counts;
  private final INDArray sums;
  private final INDArray statistics;
  private final double[] collected;

  /** Statistics for {@code codes} [K, D], which this object updates in place. */
  public EmaCodebook(VectorQuantizer.Config config, INDArray codes, long seed, Reducer reducer) {
    this.config = config;
    this.codes = codes;
    this.seed = seed;
    this.reducer = reducer;
    DataType type = codes.dataType();
    this.counts = Nd4j.zeros(type, config.codes());
    this.sums = Nd4j.zeros(type, config.codes(), config.dimension());
    int width = config.codes() * (1 + 2 * config.dimension());
    this.collected = new double[width];
    this.statistics = Nd4j.zeros(type, width);
  }

  /** Average counts N [K]: state to save. */
  public INDArray counts() {
    return counts;
  }

  /** Average sums m [K, D]: state to save. */
  public INDArray sums() {
    return sums;
  }

  /** Counts and sums as flat arrays, linear in the samples. */
  List<INDArray> statistics() {
    return List.of(counts, sums.reshape(sums.length()));
  }

  /** Computes the codes from counts and sums that were assigned. */
  void merged() {
    double[] count = counts.toDoubleVector();
    double[] sum = sums.reshape(sums.length()).toDoubleVector();
    double[] code = codes.reshape(codes.length()).toDoubleVector();
    for (int at = 0; at < sum.length; at++) {
      double n = count[at / config.dimension()];
      code[at] = n == 0 ? code[at] : sum[at] / n;
    }
    fill(codes, code);
  }

  /** Takes the present codes as averages of one vector each: for codes that were loaded. */
  public void adopt() {
    counts.assign(1);
    sums.assign(codes);
  }

  /** The codes that would be revived now. */
  public int dead() {
    int dead = 0;
    for (double count : counts.toDoubleVector()) {
      dead += isDead(count) ? 1 : 0;
    }
    return dead;
  }

  private boolean isRevived(int code, double count) {
    return code % reducer.replicas() == reducer.replica() && isDead(count);
  }

  private boolean isDead(double count) {
    return count < config.deadBelow() || count == 0;
  }

  /**
   * This worker's share of the statistics: a flat array to be summed over all workers.
   *
   * @param vectors what the encoder gave, [N, D]
   * @param indices the nearest codes, int32 [N]
   */
  public INDArray collect(INDArray vectors, INDArray indices, long step) {
    int k = config.codes();
    int d = config.dimension();
    double[] z = vectors.reshape(vectors.length()).toDoubleVector();
    int[] nearest = indices.reshape(indices.length()).toIntVector();
    java.util.Arrays.fill(collected, 0);
    for (int n = 0; n < nearest.length; n++) {
      collected[nearest[n]]++;
      int from = k + nearest[n] * d;
      for (int i = 0; i < d; i++) {
        collected[from + i] += z[n * d + i];
      }
    }
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + step);
    double[] count = counts.toDoubleVector();
    for (int code = 0; code < k; code++) {
      if (isRevived(code, count[code])) {
        long position = random.nextLong((long) nearest.length * reducer.workers());
        if (position / nearest.length == reducer.rank()) {
          int n = (int) (position % nearest.length);
          System.arraycopy(z, n * d, collected, k + k * d + code * d, d);
        }
      }
    }
    fill(statistics, collected);
    return statistics;
  }

  /** Takes the statistics, summed over all workers, into averages and codes. */
  public void update(INDArray summed) {
    int k = config.codes();
    int d = config.dimension();
    double[] all = summed.toDoubleVector();
    double[] count = counts.toDoubleVector();
    double[] sum = sums.reshape(sums.length()).toDoubleVector();
    double[] code = codes.reshape(codes.length()).toDoubleVector();
    double decay = config.decay();
    for (int i = 0; i < k; i++) {
      boolean dead = isRevived(i, count[i]);
      count[i] = dead ? 1 : decay * count[i] + (1 - decay) * all[i];
      for (int j = 0; j < d; j++) {
        int at = i * d + j;
        sum[at] = dead ? all[k + k * d + at] : decay * sum[at] + (1 - decay) * all[k + at];
        code[at] = count[i] == 0 ? code[at] : sum[at] / count[i];
      }
    }
    fill(counts, count);
    fill(sums, sum);
    fill(codes, code);
  }

  /** Writes all elements, in C order. */
  private static void fill(INDArray array, double[] values) {
    array.reshape(array.length()).assign(Nd4j.createFromArray(values));
  }
}

package org.talespark.zoo.fusion;

import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.contrastive.ContrastiveMetrics;
import org.talespark.zoo.train.SampleRows;

/** Held-out figures of a fusion model, besides those of its embeddings. */
public final class FusionMetrics {
  /** Share of the masked tokens that are the likeliest in their place. */
  public static final String MLM_ACCURACY = "mlm_accuracy";

  /** Mean cross-entropy of the masked tokens, in nats. */
  public static final String MLM_LOSS = "mlm_loss";

  /** Share of the pairs, half of them right and half wrong, that are told apart. */
  public static final String ITM_ACCURACY = "itm_accuracy";

  /** Mean cross-entropy of those pairs, in nats. */
  public static final String ITM_LOSS = "itm_loss";

  static final String MASKED = "masked";
  static final String MATCHED = "matched";

  /**
   * What came of some answers.
   *
   * @param count of them
   * @param hits how many were right
   * @param nats sum of their losses
   */
  record Answers(double count, double hits, double nats) {
    static final Answers NONE = new Answers(0, 0, 0);

    /**
     * What came of a plan's answers.
     *
     * @param right class of each; -1 where an answer does not count
     */
    static Answers of(INDArray losses, INDArray predicted, int[] right) {
      double[] each = losses.toDoubleVector();
      int[] found = predicted.toIntVector();
      int count = 0;
      int hits = 0;
      double nats = 0;
      for (int i = 0; i < right.length; i++) {
        if (right[i] >= 0) {
          count++;
          hits += found[i] == right[i] ? 1 : 0;
          nats += each[i];
        }
      }
      return new Answers(count, hits, nats);
    }

    double[] sums() {
      return new double[] {count, hits, nats};
    }
  }

  private FusionMetrics() {}

  /** The metrics of summed sums, and of the embeddings of all samples where there are any. */
  static Map<String, Double> of(Map<String, double[]> sums, SampleRows rows) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    put(metrics, sums.get(MASKED), MLM_ACCURACY, MLM_LOSS);
    put(metrics, sums.get(MATCHED), ITM_ACCURACY, ITM_LOSS);
    metrics.putAll(ContrastiveMetrics.of(sums, rows));
    return metrics;
  }

  private static void put(
      Map<String, Double> metrics, double[] sums, String accuracy, String loss) {
    if (sums != null) {
      double count = Math.max(1, sums[0]);
      metrics.put(accuracy, sums[1] / count);
      metrics.put(loss, sums[2] / count);
    }
  }
}

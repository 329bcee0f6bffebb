package org.talespark.zoo.contrastive;

import java.util.LinkedHashMap;
import java.util.Map;
import org.talespark.zoo.train.SampleRows;

/** Held-out figures of a contrastive model: {@link Retrieval}, and how many captions were cut. */
public final class ContrastiveMetrics {
  /** Share of the captions that are longer than the context. */
  public static final String CUT = "cut_share";

  static final String TEXTS = "texts";
  static final String CUT_TEXTS = "cut_texts";

  private ContrastiveMetrics() {}

  /** Sums for some texts. */
  public static Map<String, double[]> sums(int texts, int cut) {
    Map<String, double[]> sums = new LinkedHashMap<>();
    sums.put(TEXTS, new double[] {texts});
    sums.put(CUT_TEXTS, new double[] {cut});
    return sums;
  }

  /** The metrics of summed sums, and of the embeddings of all samples where there are any. */
  public static Map<String, Double> of(Map<String, double[]> sums, SampleRows rows) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    if (!rows.captions().isEmpty()) {
      metrics.putAll(
          Retrieval.of(
              rows.captions(),
              rows.rows().get(ClipModel.IMAGE_EMBEDS),
              rows.rows().get(ClipModel.TEXT_EMBEDS)));
    }
    metrics.put(CUT, sums.get(CUT_TEXTS)[0] / sums.get(TEXTS)[0]);
    return metrics;
  }
}

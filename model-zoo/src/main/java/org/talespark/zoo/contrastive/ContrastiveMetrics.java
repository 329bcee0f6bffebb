package org.talespark.zoo.contrastive;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.talespark.zoo.graph.CompiledGraph;
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

  /**
   * The embeddings of a batch, for {@link #of}.
   *
   * @param plan whose outputs they are, a row for each caption and perhaps more behind them
   */
  public static SampleRows rows(CompiledGraph plan, List<String> captions) {
    Map<String, float[][]> rows = new LinkedHashMap<>();
    for (String name : List.of(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS)) {
      rows.put(name, Arrays.copyOf(plan.output(name).toFloatMatrix(), captions.size()));
    }
    return new SampleRows(captions, rows);
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

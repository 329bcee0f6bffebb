package org.talespark.zoo.language;

import java.util.LinkedHashMap;
import java.util.Map;

/** Metrics of predicted texts, from sums that can be added over batches and workers. */
public final class LanguageMetrics {
  /** Mean cross-entropy in nats per token, the end of a text included. */
  public static final String LOSS = "cross_entropy";

  /** All of it in bits, per byte of text. */
  public static final String BITS_PER_BYTE = "bits_per_byte";

  /** exp of the loss. */
  public static final String PERPLEXITY = "perplexity";

  /** Share of the tokens that are the likeliest one. */
  public static final String ACCURACY = "accuracy";

  /** Share of the texts that were cut. */
  public static final String CUT = "cut_share";

  static final String NATS = "nats";
  static final String TOKENS = "tokens";
  static final String BYTES = "bytes";
  static final String HITS = "hits";
  static final String TEXTS = "texts";
  static final String CUT_TEXTS = "cut_texts";

  private LanguageMetrics() {}

  /** Sums for some texts. */
  static Map<String, double[]> sums(double nats, ByteTokens.Rows rows, int hits, int texts) {
    Map<String, double[]> sums = new LinkedHashMap<>();
    sums.put(NATS, new double[] {nats});
    sums.put(TOKENS, new double[] {rows.tokens()});
    sums.put(BYTES, new double[] {rows.bytes()});
    sums.put(HITS, new double[] {hits});
    sums.put(TEXTS, new double[] {texts});
    sums.put(CUT_TEXTS, new double[] {rows.cut()});
    return sums;
  }

  /** The metrics of summed sums. */
  static Map<String, Double> of(Map<String, double[]> sums) {
    double nats = sums.get(NATS)[0];
    double tokens = sums.get(TOKENS)[0];
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(LOSS, nats / tokens);
    metrics.put(BITS_PER_BYTE, nats / Math.log(2) / Math.max(1, sums.get(BYTES)[0]));
    metrics.put(PERPLEXITY, Math.exp(nats / tokens));
    metrics.put(ACCURACY, sums.get(HITS)[0] / tokens);
    metrics.put(CUT, sums.get(CUT_TEXTS)[0] / sums.get(TEXTS)[0]);
    return metrics;
  }
}

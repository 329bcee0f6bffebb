package org.talespark.zoo.vq;

import java.util.LinkedHashMap;
import java.util.Map;

/** Metrics of reconstructions and codes, from sums that can be added over batches and workers. */
public final class VqMetrics {
  /** Peak signal-to-noise ratio in dB over all pixels together. */
  public static final String PSNR = "psnr";

  /** Mean of the pictures' own ratios in dB. */
  public static final String MEAN_PSNR = "psnr_of_pictures";

  /** Share of the codes that occur. */
  public static final String USAGE = "codebook_usage";

  /** exp of the entropy of the codes' frequencies. */
  public static final String PERPLEXITY = "codebook_perplexity";

  static final String SQUARED_ERROR = "squared_error";
  static final String ELEMENTS = "elements";
  static final String PICTURE_PSNR = "picture_psnr";
  static final String PICTURES = "pictures";
  static final String CODES = "codes";

  private VqMetrics() {}

  /**
   * Sums for one batch.
   *
   * @param pictures and {@code reconstructions}: {@code count} pictures in [-1, 1], compared after
   *     rounding to 8 bits as they would be saved
   * @param indices codes of the {@code count} pictures
   */
  public static Map<String, double[]> sums(
      float[] pictures,
      float[] reconstructions,
      int count,
      int perPicture,
      int[] indices,
      int codes) {
    double total = 0;
    double psnr = 0;
    for (int p = 0; p < count; p++) {
      double squares = 0;
      for (int i = p * perPicture; i < (p + 1) * perPicture; i++) {
        double difference = level(pictures[i]) - level(reconstructions[i]);
        squares += difference * difference;
      }
      total += squares;
      psnr += decibels(squares / perPicture);
    }
    double[] histogram = new double[codes];
    for (int index : indices) {
      histogram[index]++;
    }
    Map<String, double[]> sums = new LinkedHashMap<>();
    sums.put(SQUARED_ERROR, new double[] {total});
    sums.put(ELEMENTS, new double[] {(double) count * perPicture});
    sums.put(PICTURE_PSNR, new double[] {psnr});
    sums.put(PICTURES, new double[] {count});
    sums.put(CODES, histogram);
    return sums;
  }

  /** The metrics of summed sums. */
  public static Map<String, Double> of(Map<String, double[]> sums) {
    double[] histogram = sums.get(CODES);
    double total = 0;
    int used = 0;
    for (double n : histogram) {
      total += n;
      used += n > 0 ? 1 : 0;
    }
    double entropy = 0;
    for (double n : histogram) {
      if (n > 0) {
        entropy -= n / total * Math.log(n / total);
      }
    }
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(PSNR, decibels(sums.get(SQUARED_ERROR)[0] / sums.get(ELEMENTS)[0]));
    metrics.put(MEAN_PSNR, sums.get(PICTURE_PSNR)[0] / sums.get(PICTURES)[0]);
    metrics.put(USAGE, (double) used / histogram.length);
    metrics.put(PERPLEXITY, Math.exp(entropy));
    return metrics;
  }

  /** 10 log10(255^2 / mse), at most 100 for pictures that are equal. */
  private static double decibels(double meanSquare) {
    return meanSquare == 0 ? 100 : Math.min(100, 10 * Math.log10(255.0 * 255.0 / meanSquare));
  }

  private static long level(float value) {
    return Math.max(0, Math.min(255, Math.round((value + 1) * 127.5f)));
  }
}

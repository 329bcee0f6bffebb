package org.talespark.zoo.contrastive;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How well pictures and texts find each other among all held-out pairs.
 *
 * <p>R@K is the share of queries whose own counterpart is among the K most similar; one that is as
 * similar as another counts as behind it. Of pairs with the same caption only the first takes part,
 * since no text could tell them apart.
 */
public final class Retrieval {
  /** In front of K: texts found for pictures. */
  public static final String TEXTS = "image_to_text_r";

  /** In front of K: pictures found for texts. */
  public static final String PICTURES = "text_to_image_r";

  /** The mean of all shares. */
  public static final String MEAN = "mean_recall";

  /** Pairs with distinct captions. */
  public static final String PAIRS = "pairs";

  private static final int[] DEPTHS = {1, 5, 10};

  private Retrieval() {}

  /**
   * The metrics of N pairs.
   *
   * @param captions N
   * @param pictures [N][P], each row of length 1
   * @param texts [N][P], each row of length 1
   */
  public static Map<String, Double> of(List<String> captions, float[][] pictures, float[][] texts) {
    List<Integer> distinct = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < captions.size(); i++) {
      if (seen.add(captions.get(i))) {
        distinct.add(i);
      }
    }
    int[] textsAhead = new int[distinct.size()]; // of each picture's own text
    int[] picturesAhead = new int[distinct.size()];
    float[] own = new float[distinct.size()];
    for (int i = 0; i < own.length; i++) {
      own[i] = dot(pictures[distinct.get(i)], texts[distinct.get(i)]);
    }
    for (int i = 0; i < own.length; i++) {
      for (int j = 0; j < own.length; j++) {
        float similarity = dot(pictures[distinct.get(i)], texts[distinct.get(j)]);
        textsAhead[i] += i != j && similarity >= own[i] ? 1 : 0;
        picturesAhead[j] += i != j && similarity >= own[j] ? 1 : 0;
      }
    }
    Map<String, Double> metrics = new LinkedHashMap<>();
    double sum = 0;
    for (int depth : DEPTHS) {
      double ofTexts = share(textsAhead, depth);
      double ofPictures = share(picturesAhead, depth);
      metrics.put(TEXTS + depth, ofTexts);
      metrics.put(PICTURES + depth, ofPictures);
      sum += ofTexts + ofPictures;
    }
    metrics.put(MEAN, sum / (2 * DEPTHS.length));
    metrics.put(PAIRS, (double) own.length);
    return metrics;
  }

  private static double share(int[] ahead, int depth) {
    int hits = 0;
    for (int count : ahead) {
      hits += count < depth ? 1 : 0;
    }
    return (double) hits / ahead.length;
  }

  static float dot(float[] a, float[] b) {
    float sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}

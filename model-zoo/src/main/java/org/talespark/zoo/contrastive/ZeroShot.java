package org.talespark.zoo.contrastive;

import java.util.ArrayList;
import java.util.List;

/**
 * Classes told apart by what texts say of them (Radford 2021, arXiv:2103.00020, section 3.1): a
 * class is the mean of the rows of its prompts, divided by its length, and a picture is of the
 * class whose row is most similar.
 */
public final class ZeroShot {
  /** Where a template has the name of a class. */
  public static final String PLACE = "{}";

  private ZeroShot() {}

  /** Every template with every phrase of a class. */
  public static List<String> prompts(List<String> templates, List<String> phrases) {
    List<String> prompts = new ArrayList<>();
    for (String template : templates) {
      for (String phrase : phrases) {
        prompts.add(template.replace(PLACE, phrase));
      }
    }
    return prompts;
  }

  /** The row [P] of a class from those of its prompts. */
  public static float[] mean(List<float[]> prompts) {
    double[] sum = new double[prompts.get(0).length];
    for (float[] prompt : prompts) {
      for (int p = 0; p < sum.length; p++) {
        sum[p] += prompt[p];
      }
    }
    double squares = 0;
    for (double each : sum) {
      squares += each * each;
    }
    float[] mean = new float[sum.length];
    for (int p = 0; p < sum.length; p++) {
      mean[p] = (float) (sum[p] / Math.sqrt(squares));
    }
    return mean;
  }

  /**
   * The class of a picture, or -1 where two are most similar: whoever cannot tell has not told.
   *
   * @param picture [P]
   * @param classes [P] each
   */
  public static int classify(float[] picture, List<float[]> classes) {
    int best = -1;
    float most = Float.NEGATIVE_INFINITY;
    for (int c = 0; c < classes.size(); c++) {
      float similarity = Retrieval.dot(picture, classes.get(c));
      if (similarity >= most) {
        best = similarity == most ? -1 : c;
        most = similarity;
      }
    }
    return best;
  }
}

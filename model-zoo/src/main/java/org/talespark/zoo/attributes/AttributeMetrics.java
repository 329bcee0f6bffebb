package org.talespark.zoo.attributes;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How often the classifier is right, from sums that can be added over batches and workers. */
public final class AttributeMetrics {
  /** The least of the three accuracies. */
  public static final String ACCURACY = "accuracy";

  /** Share of the pictures whose likeliest setting is theirs. */
  public static final String SETTING = "setting_accuracy";

  /** Share of the kinds that are among the n most present ones of a picture with n kinds. */
  public static final String OBJECT = "object_accuracy";

  /** Share of the kinds that have their colour. */
  public static final String COLOUR = "colour_accuracy";

  /** Share of the pictures whose caption names anything. */
  public static final String NAMED = "named_share";

  private static final String SETTING_HITS = "setting_hits";
  private static final String SETTINGS = "settings";
  private static final String OBJECT_HITS = "object_hits";
  private static final String OBJECTS = "objects";
  private static final String COLOUR_HITS = "colour_hits";
  private static final String COLOURS = "colours";
  private static final String NAMED_PICTURES = "named";
  private static final String PICTURES = "pictures";

  private AttributeMetrics() {}

  /** Sums for some pictures and their captions. */
  static Map<String, double[]> sums(
      CaptionGrammar grammar, List<String> captions, List<AttributePrediction> predictions) {
    List<String> kinds = grammar.kinds();
    Map<String, double[]> sums = new LinkedHashMap<>();
    for (String name :
        List.of(
            SETTING_HITS, SETTINGS, OBJECT_HITS, OBJECTS, COLOUR_HITS, COLOURS, NAMED_PICTURES)) {
      sums.put(name, new double[1]);
    }
    sums.put(PICTURES, new double[] {captions.size()});
    for (int i = 0; i < captions.size(); i++) {
      Attributes truth = grammar.parse(captions.get(i));
      AttributePrediction seen = predictions.get(i);
      sums.get(NAMED_PICTURES)[0] += truth.named() ? 1 : 0;
      if (truth.setting() != null) {
        boolean right = grammar.settingNames().get(seen.setting()).equals(truth.setting());
        count(sums, SETTING_HITS, SETTINGS, right);
      }
      List<String> present = truth.kinds();
      List<Integer> found = seen.kinds(present.size());
      for (String kind : present) {
        int number = kinds.indexOf(kind);
        count(sums, OBJECT_HITS, OBJECTS, found.contains(number));
        String colour = truth.colourOf(kind);
        if (colour != null) {
          boolean right = grammar.colours().get(seen.colour(number)).equals(colour);
          count(sums, COLOUR_HITS, COLOURS, right);
        }
      }
    }
    return sums;
  }

  private static void count(Map<String, double[]> sums, String hits, String all, boolean right) {
    sums.get(hits)[0] += right ? 1 : 0;
    sums.get(all)[0]++;
  }

  /** The metrics of summed sums; zero where no caption names what is counted. */
  static Map<String, Double> of(Map<String, double[]> sums) {
    double setting = share(sums, SETTING_HITS, SETTINGS);
    double object = share(sums, OBJECT_HITS, OBJECTS);
    double colour = share(sums, COLOUR_HITS, COLOURS);
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(ACCURACY, Math.min(setting, Math.min(object, colour)));
    metrics.put(SETTING, setting);
    metrics.put(OBJECT, object);
    metrics.put(COLOUR, colour);
    metrics.put(NAMED, share(sums, NAMED_PICTURES, PICTURES));
    return metrics;
  }

  private static double share(Map<String, double[]> sums, String part, String all) {
    return sums.get(part)[0] / Math.max(1, sums.get(all)[0]);
  }
}

package org.talespark.jobs.evaluate;

import static java.util.Objects.requireNonNull;
import static org.talespark.jobs.evaluate.PictureFigures.FIRST_STAGE;
import static org.talespark.jobs.evaluate.PictureFigures.GENERATED;
import static org.talespark.jobs.evaluate.PictureFigures.REAL;
import static org.talespark.jobs.evaluate.PictureFigures.UNGUIDED;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.apache.spark.api.java.JavaRDD;
import org.talespark.data.BadInputException;
import org.talespark.zoo.attributes.Attributes;
import org.talespark.zoo.attributes.CaptionGrammar;
import org.talespark.zoo.attributes.Estimate;
import org.talespark.zoo.attributes.FrechetDistance;
import org.talespark.zoo.attributes.PromptAccuracy;

/**
 * Generated pictures beside the real ones of the same prompts, in the eyes of an attribute
 * classifier.
 *
 * <p>Distances are measured to the real pictures of the split that no prompt was taken from. The
 * real pictures of the prompts are as many and show the same, so theirs is what a perfect generator
 * would have.
 */
final class PictureEvaluation {
  /** Scale at which classifier-free guidance does nothing. */
  private static final double NO_GUIDANCE = 1;

  /** Things in a prompt, at most. */
  private static final int MOST_THINGS = 2;

  /** What was measured, and some of the pictures. */
  record Outcome(PictureFigures figures, List<ShownPictures> shown) {}

  private final EvaluateConfig config;
  private final CaptionGrammar grammar;
  private final Judge judge;
  private final boolean texts;

  /**
   * Does nothing yet.
   *
   * @param texts whether pictures are made of prompts
   */
  PictureEvaluation(EvaluateConfig config, CaptionGrammar grammar, Judge judge, boolean texts) {
    this.config = requireNonNull(config, "config");
    this.grammar = requireNonNull(grammar, "grammar");
    this.judge = requireNonNull(judge, "judge");
    this.texts = texts;
  }

  /**
   * Measures.
   *
   * @param real the pictures of a split
   * @param firstStage encodes and decodes pictures; null where there is no first stage
   */
  Outcome run(JavaRDD<Painted> real, Painter painter, UnaryOperator<JavaRDD<Painted>> firstStage) {
    List<Judged> split = judge.see("read", 0, real, Set.of());
    List<Judged> chosen = texts ? ofFewThings(split) : everySecond(split, 1, 2 * config.prompts());
    List<String> prompts =
        texts
            ? chosen.stream().map(Judged::caption).toList()
            : Collections.nCopies(2 * config.prompts(), "");
    Set<Integer> shown = shown(prompts);
    JavaRDD<Painted> ofPrompts = numbered(real, chosen);

    Map<String, List<Judged>> judged = new LinkedHashMap<>();
    judged.put(
        GENERATED,
        complete(
            judge.see("draw", prompts.size(), painter.paint(prompts, config.guidance()), shown),
            prompts));
    if (texts) {
      judged.put(
          UNGUIDED,
          complete(
              judge.see(
                  "draw unguided", prompts.size(), painter.paint(prompts, NO_GUIDANCE), shown),
              prompts));
    }
    if (firstStage != null) {
      judged.put(
          FIRST_STAGE, judge.see("reconstruct", chosen.size(), firstStage.apply(ofPrompts), shown));
    }
    judged.put(REAL, judge.see("look", chosen.size(), ofPrompts, shown));
    List<Judged> reference = texts ? others(split, chosen) : everySecond(split, 0, split.size());
    return new Outcome(figures(prompts, judged, reference), pictures(prompts, shown, judged));
  }

  // --- which pictures

  /** How many things a caption names, each once and of a kind of its own; 0 where it does not. */
  private int things(String caption) {
    Attributes attributes = grammar.parse(caption);
    boolean plain =
        attributes.kinds().size() == attributes.things().size()
            && attributes.things().stream().allMatch(thing -> thing.count() == 1);
    return plain ? attributes.things().size() : 0;
  }

  /** The first captions of one thing, and then those of two. */
  private List<Judged> ofFewThings(List<Judged> split) {
    List<Judged> chosen = new ArrayList<>();
    for (int n = 1; n <= MOST_THINGS; n++) {
      int things = n;
      split.stream()
          .filter(picture -> things(picture.caption()) == things)
          .limit(config.prompts())
          .forEach(chosen::add);
    }
    if (chosen.isEmpty()) {
      throw new BadInputException(
          "Cannot evaluate pictures: no caption of the split names one or two of %s, expected captions that the classifier was trained on"
              .formatted(grammar.kinds()));
    }
    return chosen;
  }

  private List<Judged> others(List<Judged> split, List<Judged> chosen) {
    Set<Integer> taken = new HashSet<>();
    chosen.forEach(picture -> taken.add(picture.index()));
    List<Judged> others = new ArrayList<>();
    for (Judged picture : split) {
      int things = things(picture.caption());
      if (things >= 1 && things <= MOST_THINGS && !taken.contains(picture.index())) {
        others.add(picture);
      }
    }
    return others;
  }

  private static List<Judged> everySecond(List<Judged> split, int first, int most) {
    List<Judged> half = new ArrayList<>();
    for (int i = first; i < split.size() && half.size() < most; i += 2) {
      half.add(split.get(i));
    }
    return half;
  }

  /** Places of the prompts to be shown: the first of each number of things. */
  private Set<Integer> shown(List<String> prompts) {
    Set<Integer> shown = new HashSet<>();
    Map<Integer, Integer> counts = new HashMap<>();
    for (int i = 0; i < prompts.size(); i++) {
      int things = texts ? things(prompts.get(i)) : i % MOST_THINGS;
      if (counts.merge(things, 1, Integer::sum) <= config.shown()) {
        shown.add(i);
      }
    }
    return shown;
  }

  /** Pictures of the split under the places of their prompts. */
  private static JavaRDD<Painted> numbered(JavaRDD<Painted> real, List<Judged> chosen) {
    HashMap<Integer, Integer> places = new HashMap<>();
    for (Judged picture : chosen) {
      places.put(picture.index(), places.size());
    }
    return real.filter(picture -> places.containsKey(picture.index()))
        .map(
            picture ->
                new Painted(places.get(picture.index()), picture.caption(), picture.picture()));
  }

  private static List<Judged> complete(List<Judged> pictures, List<String> prompts) {
    for (int i = 0; i < Math.max(prompts.size(), pictures.size()); i++) {
      if (i >= pictures.size() || i >= prompts.size() || pictures.get(i).index() != i) {
        throw new IllegalStateException(
            "Cannot evaluate pictures: prompts=%d pictures=%d, expected one of each prompt; prompt %d has another number"
                .formatted(prompts.size(), pictures.size(), i));
      }
    }
    return pictures;
  }

  // --- figures

  private PictureFigures figures(
      List<String> prompts, Map<String, List<Judged>> judged, List<Judged> reference) {
    Map<String, List<PromptAccuracy.Group>> accuracy = new LinkedHashMap<>();
    List<String> notes = new ArrayList<>();
    if (texts) {
      List<Attributes> asked = prompts.stream().map(grammar::parse).toList();
      PromptAccuracy judging = new PromptAccuracy(grammar);
      judged.forEach(
          (what, pictures) ->
              accuracy.put(
                  what, judging.judge(asked, pictures.stream().map(Judged::prediction).toList())));
      accuracy
          .get(GENERATED)
          .forEach(
              group -> {
                if (group.prompts() < config.prompts()) {
                  notes.add(
                      "%d captions of the split name %d things, fewer than evaluate.prompts=%d"
                          .formatted(group.prompts(), group.things(), config.prompts()));
                }
              });
    }
    Map<String, Estimate> distances = new LinkedHashMap<>();
    judged.forEach((what, pictures) -> distance(what, pictures, reference, distances, notes));
    return new PictureFigures(
        judged.get(GENERATED).size(), reference.size(), accuracy, distances, notes);
  }

  private static void distance(
      String what,
      List<Judged> pictures,
      List<Judged> reference,
      Map<String, Estimate> distances,
      List<String> notes) {
    int fewest = Math.min(pictures.size(), reference.size());
    int least = fewest == 0 ? 1 : FrechetDistance.least(pictures.get(0).features().length);
    if (fewest < least) {
      notes.add(
          "no distance of %s: %d pictures and %d to compare with, expected at least %d of each; try a larger evaluate.prompts or split"
              .formatted(what, pictures.size(), reference.size(), least));
    } else {
      distances.put(what, FrechetDistance.estimate(features(pictures), features(reference)));
    }
  }

  private static List<float[]> features(List<Judged> pictures) {
    return pictures.stream().map(Judged::features).toList();
  }

  private static List<ShownPictures> pictures(
      List<String> prompts, Set<Integer> shown, Map<String, List<Judged>> judged) {
    List<ShownPictures> rows = new ArrayList<>();
    for (int place = 0; place < prompts.size(); place++) {
      if (shown.contains(place)) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (Map.Entry<String, List<Judged>> each : judged.entrySet()) {
          if (place < each.getValue().size()) {
            files.put(each.getKey(), each.getValue().get(place).png());
          }
        }
        rows.add(new ShownPictures(prompts.get(place), files));
      }
    }
    return rows;
  }
}

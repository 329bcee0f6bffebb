package org.talespark.zoo.attributes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How far pictures show what their prompts ask for, as the classifier sees them.
 *
 * <p>Of a prompt of n kinds the n most present kinds of its picture are looked at.
 *
 * <ul>
 *   <li>A kind of the prompt that is among them is a right object.
 *   <li>The colour of a right object is the one that the classifier sees at that kind. A kind of
 *       the prompt that is missing is taken for one that is there and nobody asked for, both in
 *       their order, and the colour is looked at there: so objects and colours count by themselves.
 *   <li>The setting is the likeliest one.
 * </ul>
 *
 * <p>Chance is what would be right on average if each picture had been made for another prompt of
 * as many kinds.
 */
public final class PromptAccuracy {
  private static final int SETTING = 0;
  private static final int OBJECT = 1;
  private static final int COLOUR = 2;
  private static final int PARTS = 3;

  /**
   * Right ones of some.
   *
   * @param accuracy their share; null when there are none
   * @param chance null when there is no other prompt to compare with
   */
  public record Share(long hits, long count, Estimate accuracy, Double chance) {}

  /**
   * Prompts of as many kinds.
   *
   * @param things how many
   */
  public record Group(int things, int prompts, Share setting, Share object, Share colour) {}

  /** A prompt and its picture. */
  private record Pair(Attributes prompt, AttributePrediction picture) {}

  private final CaptionGrammar grammar;
  private final List<String> kinds;
  private final List<String> settings;

  /** Judges by the names of a grammar. */
  public PromptAccuracy(CaptionGrammar grammar) {
    this.grammar = grammar;
    this.kinds = grammar.kinds();
    this.settings = grammar.settingNames();
  }

  /**
   * Judges pictures. Prompts that name no thing are left out.
   *
   * @param predictions one a prompt
   * @return a group for each number of kinds that occurs, in ascending order
   */
  public List<Group> judge(List<Attributes> prompts, List<AttributePrediction> predictions) {
    if (prompts.size() != predictions.size()) {
      throw new IllegalArgumentException(
          "Cannot judge pictures: prompts=%d pictures=%d, expected as many"
              .formatted(prompts.size(), predictions.size()));
    }
    Map<Integer, List<Pair>> pairs = new TreeMap<>();
    for (int i = 0; i < prompts.size(); i++) {
      int things = prompts.get(i).kinds().size();
      if (things > 0) {
        pairs
            .computeIfAbsent(things, n -> new ArrayList<>())
            .add(new Pair(prompts.get(i), predictions.get(i)));
      }
    }
    List<Group> groups = new ArrayList<>();
    pairs.forEach((things, group) -> groups.add(group(things, group)));
    return groups;
  }

  private Group group(int things, List<Pair> pairs) {
    long[] counts = new long[PARTS];
    long[] hits = new long[PARTS];
    long[] byChance = new long[PARTS]; // over all pairs of a prompt and another one's picture
    for (int i = 0; i < pairs.size(); i++) {
      Attributes prompt = pairs.get(i).prompt();
      add(counts, named(prompt));
      for (int j = 0; j < pairs.size(); j++) {
        add(i == j ? hits : byChance, right(prompt, pairs.get(j).picture()));
      }
    }
    Share[] shares = new Share[PARTS];
    for (int part = 0; part < PARTS; part++) {
      shares[part] = share(hits[part], counts[part], byChance[part], pairs.size() - 1);
    }
    return new Group(things, pairs.size(), shares[SETTING], shares[OBJECT], shares[COLOUR]);
  }

  private static Share share(long hits, long count, long byChance, int others) {
    if (count == 0) {
      return new Share(0, 0, null, null);
    }
    Double chance = null;
    if (others > 0) {
      chance = (double) byChance / others / count;
    }
    return new Share(hits, count, Estimate.ofShare(hits, count), chance);
  }

  private static void add(long[] total, long[] more) {
    for (int i = 0; i < total.length; i++) {
      total[i] += more[i];
    }
  }

  /** How many settings, kinds, and kinds of one colour a prompt asks for. */
  private static long[] named(Attributes prompt) {
    long coloured = prompt.kinds().stream().filter(kind -> prompt.colourOf(kind) != null).count();
    return new long[] {prompt.setting() == null ? 0 : 1, prompt.kinds().size(), coloured};
  }

  /** How many of them the picture shows. */
  private long[] right(Attributes prompt, AttributePrediction picture) {
    long[] right = new long[PARTS];
    if (prompt.setting() != null && prompt.setting().equals(settings.get(picture.setting()))) {
      right[SETTING]++;
    }
    List<Integer> asked = prompt.kinds().stream().map(kinds::indexOf).toList();
    List<Integer> seen = picture.kinds(asked.size());
    List<Integer> unasked = new ArrayList<>(seen);
    unasked.removeAll(asked);
    for (int kind : asked) {
      boolean there = seen.contains(kind);
      right[OBJECT] += there ? 1 : 0;
      int at = there ? kind : unasked.remove(0);
      String colour = prompt.colourOf(kinds.get(kind));
      if (colour != null && colour.equals(grammar.colours().get(picture.colour(at)))) {
        right[COLOUR]++;
      }
    }
    return right;
  }
}

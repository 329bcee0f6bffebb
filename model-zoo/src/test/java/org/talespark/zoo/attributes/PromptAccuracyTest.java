package org.talespark.zoo.attributes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class PromptAccuracyTest {
  private static final CaptionGrammar GRAMMAR =
      new CaptionGrammar(
          Map.of(
              "bear", List.of("bear"),
              "cat", List.of("cat"),
              "dog", List.of("dog"),
              "owl", List.of("owl")),
          List.of("red", "green", "blue"),
          Map.of("sea", List.of("at sea"), "snow", List.of("in the snow")));

  private static final PromptAccuracy ACCURACY = new PromptAccuracy(GRAMMAR);

  /** A picture that shows exactly what a caption says; kinds named first are the most present. */
  private static AttributePrediction showing(String caption) {
    Attributes attributes = GRAMMAR.parse(caption);
    float[] settings = new float[2];
    settings[GRAMMAR.settingNames().indexOf(attributes.setting())] = 1;
    float[] presence = new float[4];
    float[] colours = new float[4 * 3];
    for (int i = 0; i < attributes.things().size(); i++) {
      Attributes.Thing thing = attributes.things().get(i);
      int kind = GRAMMAR.kinds().indexOf(thing.kind());
      presence[kind] = 9 - i;
      colours[kind * 3 + GRAMMAR.colours().indexOf(thing.colour())] = 1;
    }
    return new AttributePrediction(settings, presence, colours);
  }

  private static PromptAccuracy.Group judge(String prompt, String picture) {
    List<PromptAccuracy.Group> groups =
        ACCURACY.judge(List.of(GRAMMAR.parse(prompt)), List.of(showing(picture)));
    assertThat(groups).hasSize(1);
    return groups.get(0);
  }

  private static void assertHits(
      PromptAccuracy.Group group, long settings, long objects, long colours) {
    assertThat(group.setting().hits()).isEqualTo(settings);
    assertThat(group.object().hits()).isEqualTo(objects);
    assertThat(group.colour().hits()).isEqualTo(colours);
  }

  @Test
  void whatThePromptAsksForIsRight() {
    PromptAccuracy.Group group =
        judge("a red cat and a blue dog at sea", "a blue dog and a red cat at sea");
    assertHits(group, 1, 2, 2);
    assertThat(group.things()).isEqualTo(2);
    assertThat(group.object().accuracy()).isEqualTo(Estimate.ofShare(2, 2));
    assertThat(group.object().chance()).isNull(); // there is no other prompt
  }

  @Test
  void aMissingKindIsTakenForOneThatNobodyAskedForAndItsColourIsLookedAtThere() {
    assertHits(judge("a red cat at sea", "a red dog in the snow"), 0, 0, 1);
    assertHits(
        judge("a red cat and a blue dog at sea", "a blue dog and a red owl at sea"), 1, 1, 2);
    // in order: the cat is taken for the owl, which is more present than the bear
    assertHits(
        judge("a red cat and a blue dog at sea", "a red owl and a blue bear at sea"), 1, 0, 2);
    assertHits(
        judge("a red cat and a blue dog at sea", "a blue owl and a red bear at sea"), 1, 0, 0);
    assertHits(
        judge("a red cat and a blue dog at sea", "a blue cat and a red dog at sea"), 1, 2, 0);
  }

  @Test
  void onlyTheMostPresentKindsOfAPictureCount() {
    assertHits(judge("a red cat at sea", "a red dog and a red cat at sea"), 1, 0, 1);
    assertHits(judge("a red cat and a blue owl", "a red cat at sea"), 0, 1, 1);
  }

  @Test
  void whatAPromptLeavesOpenIsNotCounted() {
    PromptAccuracy.Group group = judge("a red cat and a blue cat", "a red cat at sea");
    assertThat(group.things()).isEqualTo(1);
    assertThat(group.setting().count()).isZero();
    assertThat(group.setting().accuracy()).isNull();
    assertThat(group.colour().count()).isZero();
    assertThat(group.object().hits()).isEqualTo(1);
    assertThat(ACCURACY.judge(List.of(GRAMMAR.parse("at sea")), List.of(showing("at sea"))))
        .isEmpty();
  }

  @Test
  void promptsAreGroupedByTheNumberOfTheirKinds() {
    List<String> prompts =
        List.of("a red cat", "a red cat, a red dog and a red owl", "a blue cat", "a green dog");
    List<PromptAccuracy.Group> groups =
        ACCURACY.judge(
            prompts.stream().map(GRAMMAR::parse).toList(),
            prompts.stream().map(p -> showing(p + " at sea")).toList());
    assertThat(groups).extracting(PromptAccuracy.Group::things).containsExactly(1, 3);
    assertThat(groups).extracting(PromptAccuracy.Group::prompts).containsExactly(3, 1);
    assertThat(groups.get(1).object().count()).isEqualTo(3);
  }

  /** Chance against its definition: over many permutations that leave no picture in its place. */
  @Test
  void chanceIsTheMeanOverPicturesOfOtherPrompts() {
    Random random = new Random(4);
    List<Attributes> prompts = new ArrayList<>();
    List<AttributePrediction> pictures = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      String caption =
          "a %s %s %s"
              .formatted(
                  GRAMMAR.colours().get(random.nextInt(3)),
                  GRAMMAR.kinds().get(random.nextInt(4)),
                  random.nextBoolean() ? "at sea" : "in the snow");
      prompts.add(GRAMMAR.parse(caption));
      pictures.add(showing(caption));
    }
    PromptAccuracy.Group group = ACCURACY.judge(prompts, pictures).get(0);
    assertThat(group.object().accuracy().value()).isEqualTo(1);
    double[] means = new double[3];
    for (int shift = 1; shift < 12; shift++) { // every picture once with every other prompt
      List<AttributePrediction> shifted = new ArrayList<>(pictures.subList(shift, 12));
      shifted.addAll(pictures.subList(0, shift));
      PromptAccuracy.Group other = ACCURACY.judge(prompts, shifted).get(0);
      means[0] += other.setting().accuracy().value() / 11;
      means[1] += other.object().accuracy().value() / 11;
      means[2] += other.colour().accuracy().value() / 11;
    }
    assertThat(group.setting().chance()).isCloseTo(means[0], Offset.offset(1e-12));
    assertThat(group.object().chance()).isCloseTo(means[1], Offset.offset(1e-12));
    assertThat(group.colour().chance()).isCloseTo(means[2], Offset.offset(1e-12));
    assertThat(group.object().chance()).isBetween(0.05, 0.6);
  }

  @Test
  void asManyPicturesAsPromptsAreExpected() {
    assertThatThrownBy(() -> ACCURACY.judge(List.of(GRAMMAR.parse("a red cat")), List.of()))
        .hasMessageContaining("prompts=1 pictures=0");
  }
}

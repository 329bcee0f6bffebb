package org.talespark.zoo.attributes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.talespark.zoo.attributes.Attributes.Thing;

class CaptionGrammarTest {
  private static final CaptionGrammar GRAMMAR =
      new CaptionGrammar(
          Map.of(
              "mouse", List.of("mouse", "mice"),
              "cat", List.of("cat", "cats"),
              "fish", List.of("fish")),
          List.of("red", "blue", "gray"),
          Map.of(
              "sea", List.of("at sea", "in the blue sea"),
              "beach", List.of("on the beach", "on the sand by the sea"),
              "by", List.of("by the sea")));

  private static Attributes parse(String caption) {
    return GRAMMAR.parse(caption);
  }

  @Test
  void aColourBeforeAFormOfAKindIsAThing() {
    assertThat(parse("A small red cat and a GRAY mouse, on the beach."))
        .isEqualTo(
            new Attributes(
                "beach", List.of(new Thing("cat", "red", 1), new Thing("mouse", "gray", 1))));
    assertThat(parse("The cat is red. Blue catfish, redcat; fish").things()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "two red cats, 2",
    "Three big red cats, 3",
    "red cats, 2",
    "a red cat, 1",
    "one red cat, 1",
    "two very big red cats, 2", // the plural alone
    "two blue mice and a red cat, 1",
    "a big red cat and a small red cat, 2",
    "two big red cats and a red cat, 3"
  })
  void numbersAndPluralsCount(String caption, int count) {
    Attributes attributes = parse(caption);
    assertThat(attributes.things()).contains(new Thing("cat", "red", count));
    assertThat(attributes.things().stream().filter(t -> t.kind().equals("cat"))).hasSize(1);
  }

  @Test
  void aFormThatIsSingularAndPluralIsOneWithoutANumber() {
    assertThat(parse("blue fish and three red fish").things())
        .containsExactly(new Thing("fish", "blue", 1), new Thing("fish", "red", 3));
  }

  @ParameterizedTest
  @CsvSource({
    "on the sand by the sea, beach",
    "by the sea, by",
    "A red cat at sea, sea",
    "red fish in the blue sea!, sea",
    "at seaside,",
    "on the,"
  })
  void theLongestPhraseInWholeWordsNamesTheSetting(String caption, String setting) {
    assertThat(parse(caption).setting()).isEqualTo(setting);
  }

  @Test
  void aKindInTwoColoursHasNoColour() {
    Attributes attributes = parse("a red cat, a blue cat and two gray mice");
    assertThat(attributes.kinds()).containsExactly("cat", "mouse");
    assertThat(attributes.colourOf("cat")).isNull();
    assertThat(attributes.colourOf("mouse")).isEqualTo("gray");
    assertThat(attributes.named()).isTrue();
    assertThat(parse("nothing of it").named()).isFalse();
    assertThat(parse("").named()).isFalse();
  }

  @Test
  void kindsAndSettingsAreNumberedInAlphabeticalOrder() {
    assertThat(GRAMMAR.kinds()).containsExactly("cat", "fish", "mouse");
    assertThat(GRAMMAR.settingNames()).containsExactly("beach", "by", "sea");
  }

  @Test
  void wordsThatNoCaptionCanHaveOrThatMeanTwoThingsAreRefused() {
    Map<String, List<String>> things = GRAMMAR.things();
    Map<String, List<String>> settings = GRAMMAR.settings();
    assertRefused(Map.of("cat", List.of("Cat"), "dog", List.of("dog")), settings, "things.cat=Cat");
    assertRefused(
        Map.of("cat", List.of("big cat"), "dog", List.of("dog")), settings, "things.cat=big cat");
    assertRefused(Map.of("cat", List.of(), "dog", List.of("dog")), settings, "things.cat=[]");
    assertRefused(Map.of("cat", List.of("cat"), "dog", List.of("cat")), settings, "things=cat");
    assertRefused(Map.of("cat", List.of("cat")), settings, "things=[cat]");
    assertRefused(
        things,
        Map.of("sea", List.of("at  sea"), "day", List.of("by day")),
        "settings.sea=at  sea");
    assertRefused(
        things, Map.of("sea", List.of("at sea"), "day", List.of("at sea")), "settings=at sea");
    assertThatThrownBy(() -> new CaptionGrammar(things, List.of("red", "red"), settings))
        .hasMessageContaining("colours=red, expected each word or phrase once");
  }

  private static void assertRefused(
      Map<String, List<String>> things, Map<String, List<String>> settings, String words) {
    assertThatThrownBy(() -> new CaptionGrammar(things, List.of("red"), settings))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Cannot configure grammar: " + words);
  }
}

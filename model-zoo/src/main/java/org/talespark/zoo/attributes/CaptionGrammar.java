package org.talespark.zoo.attributes;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.talespark.zoo.train.CaptionWords;

/**
 * How captions speak of what a picture shows.
 *
 * <ul>
 *   <li>A colour directly before a form of a kind is a thing: "red cat".
 *   <li>A number before it, with at most one word in between, is its count: "two big red cats". A
 *       plural without a number counts as two.
 *   <li>The longest phrase of a setting that the caption has, in whole words, names the setting.
 * </ul>
 *
 * <p>Wherever kinds and settings have numbers, they are in alphabetical order; colours have the
 * order given here.
 *
 * @param things the forms of each kind, the singular first
 * @param colours one word each
 * @param settings the phrases of each setting
 */
public record CaptionGrammar(
    Map<String, List<String>> things, List<String> colours, Map<String, List<String>> settings) {
  private static final Map<String, Integer> NUMBERS =
      Map.of(
          "one", 1, "two", 2, "three", 3, "four", 4, "five", 5, "six", 6, "seven", 7, "eight", 8,
          "nine", 9, "ten", 10);
  private static final int PLURAL = 2;

  public CaptionGrammar {
    things = sorted("things", requireNonNull(things, "grammar.things"), 1);
    colours = List.copyOf(requireNonNull(colours, "grammar.colours"));
    settings = sorted("settings", requireNonNull(settings, "grammar.settings"), Integer.MAX_VALUE);
    checkWords("colours", colours, 1);
    checkOnce("colours", List.of(colours));
  }

  private static Map<String, List<String>> sorted(
      String key, Map<String, List<String>> lists, int mostWords) {
    Map<String, List<String>> sorted = new TreeMap<>();
    lists.forEach(
        (name, words) -> {
          checkWords(key + "." + name, words == null ? List.of() : words, mostWords);
          sorted.put(name, List.copyOf(words));
        });
    checkOnce(key, sorted.values());
    check(sorted.size() >= 2, key, sorted.keySet(), "at least two");
    return Collections.unmodifiableMap(sorted);
  }

  private static void checkWords(String key, List<String> phrases, int most) {
    check(!phrases.isEmpty(), key, phrases, "at least one");
    for (String phrase : phrases) {
      List<String> words = CaptionWords.of(phrase);
      check(
          !words.isEmpty() && words.size() <= most && String.join(" ", words).equals(phrase),
          key,
          phrase,
          most == 1
              ? "one word in lower case, of letters"
              : "words in lower case, of letters, with one space between them");
    }
  }

  private static void checkOnce(String key, Iterable<List<String>> lists) {
    Set<String> seen = new HashSet<>();
    for (List<String> list : lists) {
      for (String phrase : list) {
        check(seen.add(phrase), key, phrase, "each word or phrase once");
      }
    }
  }

  private static void check(boolean holds, String key, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot configure grammar: %s=%s, expected %s".formatted(key, value, rule));
    }
  }

  /** The kinds, in the order of their numbers. */
  public List<String> kinds() {
    return List.copyOf(things.keySet());
  }

  /** The settings, in the order of their numbers. */
  public List<String> settingNames() {
    return List.copyOf(settings.keySet());
  }

  /** What a caption names; what it says besides is passed over. */
  public Attributes parse(String caption) {
    List<String> words = CaptionWords.of(caption);
    List<Attributes.Thing> found = new ArrayList<>();
    for (int i = 0; i + 1 < words.size(); i++) {
      if (colours.contains(words.get(i))) {
        String form = words.get(i + 1);
        String kind = kindOf(form);
        if (kind != null) {
          boolean plural = !things.get(kind).get(0).equals(form);
          add(found, new Attributes.Thing(kind, words.get(i), count(words, i, plural)));
        }
      }
    }
    return new Attributes(settingOf(words), found);
  }

  private String kindOf(String form) {
    for (Map.Entry<String, List<String>> thing : things.entrySet()) {
      if (thing.getValue().contains(form)) {
        return thing.getKey();
      }
    }
    return null;
  }

  /** How many, said before the colour at {@code i}; one other word may come between. */
  private static int count(List<String> words, int i, boolean plural) {
    for (int before = i - 1; before >= Math.max(0, i - 2); before--) {
      Integer number = NUMBERS.get(words.get(before));
      if (number != null) {
        return number;
      }
    }
    return plural ? PLURAL : 1;
  }

  /** Things of one kind and colour are spoken of apart where they differ in size. */
  private static void add(List<Attributes.Thing> found, Attributes.Thing thing) {
    for (int i = 0; i < found.size(); i++) {
      Attributes.Thing other = found.get(i);
      if (other.kind().equals(thing.kind()) && other.colour().equals(thing.colour())) {
        found.set(
            i, new Attributes.Thing(thing.kind(), thing.colour(), other.count() + thing.count()));
        return;
      }
    }
    found.add(thing);
  }

  private String settingOf(List<String> words) {
    String text = " " + String.join(" ", words) + " ";
    String longest = "";
    String name = null;
    for (Map.Entry<String, List<String>> setting : settings.entrySet()) {
      for (String phrase : setting.getValue()) {
        if (phrase.length() > longest.length() && text.contains(" " + phrase + " ")) {
          longest = phrase;
          name = setting.getKey();
        }
      }
    }
    return name;
  }
}

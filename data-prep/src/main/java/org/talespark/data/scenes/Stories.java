package org.talespark.data.scenes;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.talespark.data.scenes.Layout.Wanted;
import org.talespark.data.scenes.Story.Hero;
import org.talespark.data.scenes.Story.Page;

/** Tells stories: a plot of beats, two friends, a thing that matters to them, and places. */
final class Stories {

  private static final int LEAST_PLACES = 4;
  private static final List<String> NAMES =
      List.of(
          "Mila", "Bruno", "Pip", "Luna", "Otto", "Nora", "Finn", "Tilda", "Hugo", "Ida", "Momo",
          "Zoe", "Kasper", "Wilma", "Leo", "Greta");
  private static final List<Kind> HERO_KINDS =
      List.of(
          Kind.CAT,
          Kind.DOG,
          Kind.RABBIT,
          Kind.BEAR,
          Kind.MOUSE,
          Kind.FROG,
          Kind.OWL,
          Kind.TURTLE,
          Kind.BIRD);
  private static final List<Kind> PROPS =
      List.of(
          Kind.BALL,
          Kind.BALLOON,
          Kind.KITE,
          Kind.STAR,
          Kind.FLOWER,
          Kind.MUSHROOM,
          Kind.CAR,
          Kind.BUTTERFLY);

  /** Who and what a beat's picture shows. */
  private enum Cast {
    FIRST(false, false),
    FIRST_PROP(false, true),
    BOTH(true, false),
    ALL(true, true);

    private final boolean second;
    private final boolean prop;

    Cast(boolean second, boolean prop) {
      this.second = second;
      this.prop = prop;
    }
  }

  /**
   * One page of a plot. In the text, {A} and {B} are the friends' names, {a} and {b} their looks,
   * {p} and {hue} the thing and its colour, {@} the place.
   *
   * @param place which of the story's places, so that a plot can return to one
   */
  private record Beat(boolean needed, int place, Cast cast, String text) {}

  private record Plot(String title, List<Beat> beats) {}

  private static final List<Plot> PLOTS =
      List.of(
          new Plot(
              "{A} and the Lost {P}",
              List.of(
                  new Beat(
                      true, 0, Cast.FIRST_PROP, "{A} {a} loved the {hue} {p} more than anything."),
                  new Beat(true, 1, Cast.FIRST, "One day the {p} was gone. {A} looked for it {@}."),
                  new Beat(
                      true, 2, Cast.BOTH, "{A} met {B} {b} {@}. \"I will help you,\" said {B}."),
                  new Beat(false, 1, Cast.BOTH, "They looked once more {@}, but there was no {p}."),
                  new Beat(true, 3, Cast.ALL, "And there it was! The {hue} {p} was waiting {@}."),
                  new Beat(false, 0, Cast.ALL, "{A} and {B} took the {p} home and played {@}."))),
          new Plot(
              "{A} Finds a Friend",
              List.of(
                  new Beat(true, 0, Cast.FIRST, "{A} {a} was all alone {@}."),
                  new Beat(
                      false,
                      1,
                      Cast.FIRST,
                      "So {A} went out to find a friend. Nobody was there {@}."),
                  new Beat(true, 2, Cast.BOTH, "Then {A} saw {B} {b} {@}. \"Hello!\" said {B}."),
                  new Beat(true, 3, Cast.ALL, "{B} showed {A} a {hue} {p} {@}."),
                  new Beat(false, 1, Cast.ALL, "They carried the {p} along and laughed {@}."),
                  new Beat(
                      true,
                      0,
                      Cast.BOTH,
                      "Now {A} and {B} are together {@}, and nobody is alone."))),
          new Plot(
              "The Long Walk of {A} and {B}",
              List.of(
                  new Beat(
                      true,
                      0,
                      Cast.BOTH,
                      "{A} {a} and {B} {b} wanted to see the world. They set off {@}."),
                  new Beat(
                      true,
                      1,
                      Cast.BOTH,
                      "First they came to a new place. \"How lovely it is {@}!\" said {A}."),
                  new Beat(true, 2, Cast.ALL, "Then they found a {hue} {p} {@}."),
                  new Beat(false, 3, Cast.BOTH, "They rested for a while {@}."),
                  new Beat(false, 1, Cast.FIRST, "{A} ran ahead and waited {@}."),
                  new Beat(
                      true,
                      0,
                      Cast.ALL,
                      "At last they were back {@}, and the {hue} {p} came with them."))),
          new Plot(
              "A {Hue} {P} for {B}",
              List.of(
                  new Beat(
                      true,
                      0,
                      Cast.FIRST,
                      "It was the birthday of {B}, and {A} {a} had no present. {A} sat {@}, thinking."),
                  new Beat(true, 1, Cast.FIRST_PROP, "{A} went on, and look: a {hue} {p} {@}!"),
                  new Beat(
                      false,
                      2,
                      Cast.FIRST_PROP,
                      "{A} brought the {p} all the way. It was still there {@}."),
                  new Beat(
                      true,
                      3,
                      Cast.BOTH,
                      "{B} {b} was waiting {@}. \"Close your eyes,\" said {A}."),
                  new Beat(true, 3, Cast.ALL, "\"A {hue} {p}!\" cried {B}. \"Thank you, {A}!\""),
                  new Beat(false, 0, Cast.ALL, "All day long they played with the {p} {@}."))));

  private Stories() {}

  /** The story with this number; {@code length} pages, 4 to 6. */
  static Story tell(long seed, long number, int length) {
    Dice dice = Dice.of(seed, "story", number);
    while (true) {
      Hero first = hero(dice);
      Hero second = hero(dice);
      Wanted prop = new Wanted(dice.pick(PROPS), dice.pick(Hue.values()), Size.SMALL);
      if (first.kind() == second.kind()
          || first.hue() == second.hue()
          || first.name().equals(second.name())
          || prop.hue() == first.hue()
          || prop.hue() == second.hue()) {
        continue;
      }
      List<Setting> places = places(first, second, prop, dice);
      if (places.size() >= LEAST_PLACES) {
        String key = String.format(Locale.ROOT, "story-%06d", number);
        return tell(key, first, second, prop, places, length, dice);
      }
    }
  }

  private static Hero hero(Dice dice) {
    return new Hero(dice.pick(NAMES), dice.pick(HERO_KINDS), dice.pick(Hue.values()));
  }

  /** The settings in which all of them can be told apart, shuffled. */
  private static List<Setting> places(Hero first, Hero second, Wanted prop, Dice dice) {
    List<Setting> left = new ArrayList<>(prop.kind().settings());
    left.remove(Setting.SEA);
    left.removeIf(s -> !s.shows(prop.hue()) || !s.shows(first.hue()) || !s.shows(second.hue()));
    List<Setting> shuffled = new ArrayList<>();
    while (!left.isEmpty()) {
      shuffled.add(left.remove(dice.below(left.size())));
    }
    return shuffled;
  }

  private static Story tell(
      String key,
      Hero first,
      Hero second,
      Wanted prop,
      List<Setting> places,
      int length,
      Dice dice) {
    Plot plot = dice.pick(PLOTS);
    List<Beat> beats = new ArrayList<>(plot.beats());
    while (beats.size() > length) {
      List<Beat> optional = beats.stream().filter(b -> !b.needed()).toList();
      beats.remove(dice.pick(optional));
    }
    List<Page> pages = new ArrayList<>();
    int scenery = dice.below(Integer.MAX_VALUE);
    for (Beat beat : beats) {
      pages.add(page(beat, first, second, prop, places.get(beat.place()), scenery, dice));
    }
    String title = fill(plot.title(), first, second, prop, places.get(0));
    return new Story(key, title, List.of(first, second), pages);
  }

  private static Page page(
      Beat beat, Hero first, Hero second, Wanted prop, Setting place, int scenery, Dice dice) {
    List<Hero> present = beat.cast().second ? List.of(first, second) : List.of(first);
    Size size = beat.cast() == Cast.FIRST ? Size.LARGE : Size.MEDIUM;
    List<Wanted> wanted = new ArrayList<>();
    for (Hero hero : present) {
      wanted.add(new Wanted(hero.kind(), hero.hue(), size));
    }
    if (beat.cast().prop) {
      wanted.add(prop);
    }
    Scene scene = new Scene(place, scenery, Layout.place(place, wanted, dice));
    return new Page(fill(beat.text(), first, second, prop, place), scene, present);
  }

  private static String fill(String text, Hero first, Hero second, Wanted prop, Setting place) {
    String hue = prop.hue().word();
    return text.replace("{A}", first.name())
        .replace("{B}", second.name())
        .replace("{a}", first.look())
        .replace("{b}", second.look())
        .replace("{p}", prop.kind().word())
        .replace("{P}", Words.capital(prop.kind().word()))
        .replace(" a {hue}", " " + Words.article(hue))
        .replace("\"A {hue}", "\"" + Words.capital(Words.article(Words.capital(hue))))
        .replace("A {Hue}", Words.capital(Words.article(Words.capital(hue))))
        .replace("{hue}", hue)
        .replace("{@}", place.place());
  }

  /** The number of pages that story {@code number} has. */
  static int length(long seed, long number) {
    return 4 + Dice.of(seed, "length", number).below(3);
  }
}

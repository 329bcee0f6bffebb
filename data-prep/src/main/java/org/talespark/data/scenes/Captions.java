package org.talespark.data.scenes;

import java.util.ArrayList;
import java.util.List;

/** One true sentence about a picture, from varied templates. */
final class Captions {

  /** Things that look alike, spoken of together. */
  private record Group(Thing first, int count) {}

  private final Scene scene;
  private final Dice dice;
  private final String place;

  private Captions(Scene scene, Dice dice) {
    this.scene = scene;
    this.dice = dice;
    this.place = dice.pick(scene.setting().phrases());
  }

  static String of(Scene scene, Dice dice) {
    Captions captions = new Captions(scene, dice);
    List<Group> groups = groups(scene);
    return switch (groups.size()) {
      case 1 -> captions.one(groups.get(0));
      case 2 -> captions.two(groups.get(0), groups.get(1));
      default -> captions.three(groups);
    };
  }

  private static List<Group> groups(Scene scene) {
    List<Group> groups = new ArrayList<>();
    for (Thing thing : scene.things()) {
      boolean counted = false;
      for (int i = 0; i < groups.size() && !counted; i++) {
        Group group = groups.get(i);
        if (group.first().looksLike(thing)) {
          groups.set(i, new Group(group.first(), group.count() + 1));
          counted = true;
        }
      }
      if (!counted) {
        groups.add(new Group(thing, 1));
      }
    }
    return groups;
  }

  private String one(Group group) {
    String thing = phrase(group);
    String verb = verb(group);
    String position = group.first().position();
    List<String> sentences =
        new ArrayList<>(
            List.of(
                "%s %s.".formatted(thing, place),
                "%s %s %s.".formatted(thing, verb, place),
                "%s, %s.".formatted(place, thing),
                "There %s %s %s.".formatted(be(group), thing, place),
                "A picture of %s %s.".formatted(thing, place),
                "%s there %s %s.".formatted(place, be(group), thing),
                "Look, %s %s!".formatted(thing, place)));
    if (group.count() == 1) {
      sentences.add("%s, %s of the picture, %s.".formatted(thing, position, place));
      sentences.add("%s, %s %s %s.".formatted(place, thing, be(group), position));
      sentences.add("There is %s %s, %s.".formatted(thing, position, place));
    }
    return Words.capital(dice.pick(sentences));
  }

  private String two(Group a, Group b) {
    if (dice.chance(0.5)) {
      Group swap = a;
      a = b;
      b = swap;
    }
    String first = phrase(a);
    String second = phrase(b);
    List<String> sentences =
        new ArrayList<>(
            List.of(
                "%s and %s %s.".formatted(first, second, place),
                "%s, %s and %s.".formatted(place, first, second),
                "There %s %s and %s %s.".formatted(be(a), first, second, place),
                "A picture of %s and %s %s.".formatted(first, second, place),
                "%s %s with %s.".formatted(first, place, second)));
    if (a.count() == 1 && b.count() == 1) {
      Relation.between(a.first(), b.first())
          .ifPresent(
              r -> {
                String words = r.words();
                sentences.add("%s %s %s %s.".formatted(first, words, second, place));
                sentences.add("%s, %s is %s %s.".formatted(place, first, words, second));
                sentences.add("%s there is %s %s %s.".formatted(place, first, words, second));
                sentences.add("%s is %s %s %s.".formatted(first, words, second, place));
              });
    }
    return Words.capital(dice.pick(sentences));
  }

  private String three(List<Group> groups) {
    String a = phrase(groups.get(0));
    String b = phrase(groups.get(1));
    String c = phrase(groups.get(2));
    List<String> sentences =
        new ArrayList<>(
            List.of(
                "%s, %s and %s %s.".formatted(a, b, c, place),
                "%s, there are %s, %s and %s.".formatted(place, a, b, c),
                "A picture of %s, %s and %s %s.".formatted(a, b, c, place),
                "%s with %s and %s %s.".formatted(a, b, c, place)));
    Relation.between(groups.get(0).first(), groups.get(1).first())
        .ifPresent(
            r -> {
              sentences.add("%s %s %s, with %s, %s.".formatted(a, r.words(), b, c, place));
              sentences.add("%s, %s is %s %s, near %s.".formatted(place, a, r.words(), b, c));
            });
    return Words.capital(dice.pick(sentences));
  }

  /** "a small red cat", "two blue balls". */
  private String phrase(Group group) {
    Thing thing = group.first();
    String size =
        switch (thing.size()) {
          case SMALL -> dice.pick("small ", "little ", "");
          case MEDIUM -> "";
          case LARGE -> dice.pick("big ", "large ", "big ");
        };
    String look = size + thing.hue().word() + " ";
    return group.count() == 1
        ? Words.article(look + thing.kind().word())
        : Words.number(group.count()) + " " + look + thing.kind().plural();
  }

  private String verb(Group group) {
    boolean single = group.count() == 1;
    Kind kind = group.first().kind();
    if (kind == Kind.FISH || (kind == Kind.TURTLE && scene.setting() == Setting.SEA)) {
      return single ? "swims" : "swim";
    }
    if (kind.habitat() == Kind.Habitat.SKY) {
      return kind == Kind.STAR ? (single ? "shines" : "shine") : (single ? "floats" : "float");
    }
    if (kind == Kind.BOAT) {
      return single ? "sails" : "sail";
    }
    String verb = kind.alive() ? dice.pick("sit", "wait", "rest") : dice.pick("stand", "wait");
    return single ? verb + "s" : verb;
  }

  private static String be(Group group) {
    return group.count() == 1 ? "is" : "are";
  }
}

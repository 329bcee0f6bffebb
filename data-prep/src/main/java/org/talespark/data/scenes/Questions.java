package org.talespark.data.scenes;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Questions that the scene graph answers without doubt. */
final class Questions {

  /**
   * A question of a type ("colour", "count", "place", "position", "size", "relation", "exists").
   */
  record Question(String type, String question, String answer) {}

  private Questions() {}

  static List<Question> about(Scene scene, Dice dice) {
    List<Question> questions = new ArrayList<>();
    List<Kind> kinds = scene.things().stream().map(Thing::kind).distinct().toList();
    for (Kind kind : kinds) {
      List<Thing> things = scene.things().stream().filter(t -> t.kind() == kind).toList();
      boolean single = things.size() == 1;
      Thing first = things.get(0);
      String noun = single ? kind.word() : kind.plural();
      if (things.stream().allMatch(t -> t.hue() == first.hue())) {
        questions.add(
            new Question(
                "colour",
                "What colour %s the %s?".formatted(single ? "is" : "are", noun),
                first.hue().word()));
      }
      questions.add(
          new Question(
              "count",
              "How many %s are there?".formatted(kind.plural()),
              Words.number(things.size())));
      if (single) {
        questions.add(
            new Question(
                "position", "Where in the picture is the %s?".formatted(noun), first.position()));
        questions.add(
            new Question("size", "How big is the %s?".formatted(noun), first.size().word()));
      }
    }
    questions.add(new Question("place", "Where is this?", scene.setting().place()));
    questions.add(
        new Question("count", "How many things are there?", Words.number(scene.things().size())));
    questions.addAll(relations(scene));
    Kind present = dice.pick(kinds);
    questions.add(exists(present, "yes"));
    List<Kind> absent =
        Arrays.stream(Kind.values())
            .filter(k -> scene.count(k) == 0 && k.fits(scene.setting()))
            .toList();
    questions.add(exists(dice.pick(absent), "no"));
    return questions;
  }

  /** "What is to the left of the ball?", asked only when exactly one thing is. */
  private static List<Question> relations(Scene scene) {
    List<Question> questions = new ArrayList<>();
    for (Thing object : scene.things()) {
      if (scene.count(object.kind()) != 1) {
        continue;
      }
      for (Relation relation : Relation.values()) {
        List<Thing> subjects =
            scene.things().stream()
                .filter(
                    s ->
                        !s.equals(object)
                            && Relation.between(s, object).filter(r -> r == relation).isPresent())
                .toList();
        if (subjects.size() == 1) {
          Thing subject = subjects.get(0);
          questions.add(
              new Question(
                  "relation",
                  "What is %s the %s?".formatted(relation.words(), object.kind().word()),
                  Words.article(subject.hue().word() + " " + subject.kind().word())));
        }
      }
    }
    return questions;
  }

  private static Question exists(Kind kind, String answer) {
    return new Question(
        "exists", "Is there %s in the picture?".formatted(Words.article(kind.word())), answer);
  }
}

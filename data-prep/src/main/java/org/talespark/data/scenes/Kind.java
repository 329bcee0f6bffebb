package org.talespark.data.scenes;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What a thing is: how it is drawn, where it may be, and how language speaks of it. */
enum Kind {
  CAT(Habitat.GROUND, "cats", true),
  DOG(Habitat.GROUND, "dogs", true),
  RABBIT(Habitat.GROUND, "rabbits", true),
  BEAR(Habitat.GROUND, "bears", true),
  MOUSE(Habitat.GROUND, "mice", true),
  FROG(Habitat.GROUND, "frogs", true),
  OWL(Habitat.GROUND, "owls", true),
  TURTLE(Habitat.GROUND, "turtles", true),
  BIRD(Habitat.SKY, "birds", true),
  BUTTERFLY(Habitat.SKY, "butterflies", true),
  FISH(Habitat.WATER, "fish", true),
  TREE(Habitat.GROUND, "trees", false),
  HOUSE(Habitat.GROUND, "houses", false),
  FLOWER(Habitat.GROUND, "flowers", false),
  MUSHROOM(Habitat.GROUND, "mushrooms", false),
  BALL(Habitat.GROUND, "balls", false),
  CAR(Habitat.GROUND, "cars", false),
  BOAT(Habitat.WATER, "boats", false),
  STAR(Habitat.SKY, "stars", false),
  BALLOON(Habitat.SKY, "balloons", false),
  KITE(Habitat.SKY, "kites", false);

  /** Where a thing belongs in a picture. */
  enum Habitat {
    GROUND,
    SKY,
    WATER
  }

  private static final Set<Kind> NOT_INDOORS = EnumSet.of(TREE, HOUSE, CAR, KITE);
  private static final Set<Kind> AT_SEA = EnumSet.of(FISH, BOAT, TURTLE, BIRD, STAR, BALLOON, KITE);

  private final Habitat habitat;
  private final String plural;
  private final boolean alive;

  Kind(Habitat habitat, String plural, boolean alive) {
    this.habitat = habitat;
    this.plural = plural;
    this.alive = alive;
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  String plural() {
    return plural;
  }

  Habitat habitat() {
    return habitat;
  }

  boolean alive() {
    return alive;
  }

  /** Paints the thing into the square from (0, 0) to (100, 100). */
  void paint(Brush brush) {
    switch (this) {
      case CAT -> CharacterPainter.cat(brush);
      case DOG -> CharacterPainter.dog(brush);
      case RABBIT -> CharacterPainter.rabbit(brush);
      case BEAR -> CharacterPainter.bear(brush);
      case MOUSE -> CharacterPainter.mouse(brush);
      case FROG -> CharacterPainter.frog(brush);
      case OWL -> CharacterPainter.owl(brush);
      case TURTLE -> CharacterPainter.turtle(brush);
      case BIRD -> CharacterPainter.bird(brush);
      case BUTTERFLY -> CharacterPainter.butterfly(brush);
      case FISH -> CharacterPainter.fish(brush);
      case TREE -> ObjectPainter.tree(brush);
      case HOUSE -> ObjectPainter.house(brush);
      case FLOWER -> ObjectPainter.flower(brush);
      case MUSHROOM -> ObjectPainter.mushroom(brush);
      case BALL -> ObjectPainter.ball(brush);
      case CAR -> ObjectPainter.car(brush);
      case BOAT -> ObjectPainter.boat(brush);
      case STAR -> ObjectPainter.star(brush);
      case BALLOON -> ObjectPainter.balloon(brush);
      case KITE -> ObjectPainter.kite(brush);
    }
  }

  /**
   * Whether this thing may stand in the setting. A tree in the forest or a house in the city would
   * be lost among the scenery of the same kind.
   */
  boolean fits(Setting setting) {
    return switch (setting) {
      case SEA -> AT_SEA.contains(this);
      case ROOM -> habitat != Habitat.WATER && !NOT_INDOORS.contains(this);
      case FOREST -> habitat != Habitat.WATER && this != TREE;
      case CITY -> habitat != Habitat.WATER && this != HOUSE;
      case MEADOW, BEACH, NIGHT, SNOW -> habitat != Habitat.WATER;
    };
  }

  /** All settings that this thing fits. */
  List<Setting> settings() {
    return Arrays.stream(Setting.values()).filter(this::fits).toList();
  }
}

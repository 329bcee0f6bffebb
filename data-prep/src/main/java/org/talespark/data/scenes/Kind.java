package org.talespark.data.scenes;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

/** What a thing is: how it is drawn, where it may be, and how language speaks of it. */
enum Kind {
  CAT(Habitat.GROUND, "cats", true, CharacterPainter::cat),
  DOG(Habitat.GROUND, "dogs", true, CharacterPainter::dog),
  RABBIT(Habitat.GROUND, "rabbits", true, CharacterPainter::rabbit),
  BEAR(Habitat.GROUND, "bears", true, CharacterPainter::bear),
  MOUSE(Habitat.GROUND, "mice", true, CharacterPainter::mouse),
  FROG(Habitat.GROUND, "frogs", true, CharacterPainter::frog),
  OWL(Habitat.GROUND, "owls", true, CharacterPainter::owl),
  TURTLE(Habitat.GROUND, "turtles", true, CharacterPainter::turtle),
  BIRD(Habitat.SKY, "birds", true, CharacterPainter::bird),
  BUTTERFLY(Habitat.SKY, "butterflies", true, CharacterPainter::butterfly),
  FISH(Habitat.WATER, "fish", true, CharacterPainter::fish),
  TREE(Habitat.GROUND, "trees", false, ObjectPainter::tree),
  HOUSE(Habitat.GROUND, "houses", false, ObjectPainter::house),
  FLOWER(Habitat.GROUND, "flowers", false, ObjectPainter::flower),
  MUSHROOM(Habitat.GROUND, "mushrooms", false, ObjectPainter::mushroom),
  BALL(Habitat.GROUND, "balls", false, ObjectPainter::ball),
  CAR(Habitat.GROUND, "cars", false, ObjectPainter::car),
  BOAT(Habitat.WATER, "boats", false, ObjectPainter::boat),
  STAR(Habitat.SKY, "stars", false, ObjectPainter::star),
  BALLOON(Habitat.SKY, "balloons", false, ObjectPainter::balloon),
  KITE(Habitat.SKY, "kites", false, ObjectPainter::kite);

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
  private final Consumer<Brush> painter;

  Kind(Habitat habitat, String plural, boolean alive, Consumer<Brush> painter) {
    this.habitat = habitat;
    this.plural = plural;
    this.alive = alive;
    this.painter = painter;
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
    painter.accept(brush);
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

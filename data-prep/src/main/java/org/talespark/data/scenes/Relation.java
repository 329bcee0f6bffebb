package org.talespark.data.scenes;

import java.util.Optional;

/** How one thing lies to another, from the picture's point of view. */
enum Relation {
  LEFT_OF("to the left of"),
  RIGHT_OF("to the right of"),
  ABOVE("above"),
  BELOW("below");

  /** Centres closer than this, in shares of the side, are neither left nor right. */
  static final double CLEAR = 0.14;

  private final String words;

  Relation(String words) {
    this.words = words;
  }

  String words() {
    return words;
  }

  /** The relation of {@code a} to {@code b} along the axis on which they are further apart. */
  static Optional<Relation> between(Thing a, Thing b) {
    double dx = b.box().centreX() - a.box().centreX();
    double dy = b.box().centreY() - a.box().centreY();
    if (Math.abs(dx) >= Math.abs(dy)) {
      return Math.abs(dx) < CLEAR ? Optional.empty() : Optional.of(dx > 0 ? LEFT_OF : RIGHT_OF);
    }
    return Math.abs(dy) < CLEAR ? Optional.empty() : Optional.of(dy > 0 ? ABOVE : BELOW);
  }
}

package org.talespark.data.scenes;

import java.util.Locale;

/** How large a thing is drawn: the longer side of its box as a share of the picture's side. */
enum Size {
  SMALL(0.285, 0.32),
  MEDIUM(0.38, 0.42),
  LARGE(0.51, 0.57);

  private final double least;
  private final double most;

  Size(double least, double most) {
    this.least = least;
    this.most = most;
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  double draw(Dice dice) {
    return dice.between(least, most);
  }

  Size smaller() {
    return this == LARGE ? MEDIUM : SMALL;
  }
}

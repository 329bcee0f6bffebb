package org.talespark.data.scenes;

import java.util.ArrayList;
import java.util.List;

/** Places things in a setting so that each is whole, in its habitat, and clear of the others. */
final class Layout {

  /** What to place: a thing without a box yet. */
  record Wanted(Kind kind, Hue hue, Size size) {}

  /** A fifth of the picture, and a little for rounding to pixels. */
  private static final double LEAST_SIDE = 0.225;

  private static final double MARGIN = 0.02;
  private static final double MOST_OVERLAP = 0.04;
  private static final int TRIES = 60;

  private Layout() {}

  /** Boxes for all, in the given order; shrinks things when they cannot all stand otherwise. */
  static List<Thing> place(Setting setting, List<Wanted> wanted, Dice dice) {
    List<Wanted> sizes = new ArrayList<>(wanted);
    int round = 0;
    while (true) {
      for (int i = 0; i < TRIES; i++) {
        List<Thing> things = attempt(setting, sizes, dice);
        if (things.size() == wanted.size()) {
          return things;
        }
      }
      int shrink = round++ % sizes.size();
      Wanted w = sizes.get(shrink);
      sizes.set(shrink, new Wanted(w.kind(), w.hue(), w.size().smaller()));
      if (round > 200) {
        throw new IllegalStateException(
            "Cannot place things: setting=%s things=%s".formatted(setting, wanted));
      }
    }
  }

  private static List<Thing> attempt(Setting setting, List<Wanted> wanted, Dice dice) {
    List<Thing> placed = new ArrayList<>();
    for (Wanted w : wanted) {
      Box box = box(setting, w, dice);
      for (Thing other : placed) {
        if (box.overlap(other.box()) > MOST_OVERLAP) {
          return List.of();
        }
      }
      placed.add(new Thing(w.kind(), w.hue(), w.size(), box));
    }
    return placed;
  }

  private static Box box(Setting setting, Wanted w, Dice dice) {
    Box shape = Silhouettes.of(w.kind());
    double scale =
        Math.max(
            w.size().draw(dice) / Math.max(shape.width(), shape.height()),
            LEAST_SIDE / Math.min(shape.width(), shape.height()));
    double width = shape.width() * scale;
    double height = shape.height() * scale;
    double left = dice.between(MARGIN, 1 - MARGIN - width);
    double ground = setting.ground();
    double lowest = 1 - MARGIN - height;
    double top =
        switch (w.kind().habitat()) {
          case GROUND ->
              setting == Setting.SEA
                  ? dice.between(Math.min(ground + 0.06, lowest), lowest)
                  : dice.between(Math.max(ground + 0.08, height + MARGIN), 1 - MARGIN - 0.02)
                      - height;
          case SKY -> dice.between(MARGIN, Math.max(MARGIN + 0.02, ground - 0.7 * height));
          case WATER ->
              w.kind() == Kind.BOAT
                  ? Math.max(MARGIN, dice.between(ground + 0.10, ground + 0.24) - height)
                  : dice.between(Math.min(ground + 0.06, lowest), lowest);
        };
    return new Box(left, Math.min(top, lowest), width, height);
  }
}

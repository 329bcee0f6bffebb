package org.talespark.data.scenes;

import java.util.List;
import java.util.Locale;

/**
 * Where a picture plays. Each setting has a horizon ({@code ground}, a share of the height), the
 * phrases captions may use, and the colour that would drown in it.
 */
enum Setting {
  MEADOW(0.60, Hue.GREEN, "in the meadow", "in a green meadow", "on the grass"),
  BEACH(0.62, Hue.YELLOW, "on the beach", "at the beach", "on the sand by the sea"),
  NIGHT(0.66, Hue.BLACK, "at night", "under the moon", "in the moonlight"),
  SNOW(0.60, Hue.WHITE, "in the snow", "on a snowy hill", "on a winter day"),
  FOREST(0.68, Hue.GREEN, "in the forest", "in the woods", "deep in the forest"),
  CITY(0.70, Hue.GRAY, "in the city", "in town", "on a city street"),
  ROOM(0.66, Hue.BROWN, "in the room", "at home", "inside a cosy room"),
  SEA(0.40, Hue.BLUE, "at sea", "out on the sea", "in the blue sea");

  private final double ground;
  private final Hue drowned;
  private final String place;
  private final String second;
  private final String third;

  Setting(double ground, Hue drowned, String place, String second, String third) {
    this.ground = ground;
    this.drowned = drowned;
    this.place = place;
    this.second = second;
    this.third = third;
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  double ground() {
    return ground;
  }

  /** The plain phrase, the answer to "where". */
  String place() {
    return place;
  }

  List<String> phrases() {
    return List.of(place, second, third);
  }

  /** Whether a thing of this colour stands out; dark blue is lost in the night sky, too. */
  boolean shows(Hue hue) {
    return hue != drowned && !(this == NIGHT && hue == Hue.BLUE);
  }
}

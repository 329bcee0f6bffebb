package org.talespark.data.scenes;

import java.util.List;

/**
 * One picture: a setting and one to three things.
 *
 * @param variant seeds the scenery's free choices (clouds, hills, where the sun stands)
 */
record Scene(Setting setting, long variant, List<Thing> things) {

  Scene {
    things = List.copyOf(things);
    if (things.isEmpty() || things.size() > 3) {
      throw new IllegalArgumentException(
          "Cannot make a scene: things=%d, expected 1 to 3".formatted(things.size()));
    }
  }

  long count(Kind kind) {
    return things.stream().filter(t -> t.kind() == kind).count();
  }
}

package org.talespark.data.scenes;

/** One character or object of a picture; {@code box} is the tight bound of what is painted. */
record Thing(Kind kind, Hue hue, Size size, Box box) {

  /** Whether language would call both by the same words. */
  boolean looksLike(Thing other) {
    return kind == other.kind && hue == other.hue && size == other.size;
  }

  /** The third of the picture it stands in. */
  String position() {
    double x = box.centreX();
    return x < 0.4 ? "on the left" : x > 0.6 ? "on the right" : "in the middle";
  }
}

package org.talespark.data.scenes;

import java.awt.Color;
import java.util.Locale;

/** The colours that things come in, each with the name that captions use. */
enum Hue {
  RED(0xE2483D),
  ORANGE(0xF58F29),
  YELLOW(0xF9D342),
  GREEN(0x4DAF50),
  TURQUOISE(0x30BDB6),
  BLUE(0x3E7BE0),
  PURPLE(0x8F5BD1),
  PINK(0xF58DB9),
  BROWN(0x9B6337),
  GRAY(0x9AA4AF),
  WHITE(0xFBFAF4),
  BLACK(0x3B3B46);

  private final Color colour;

  Hue(int rgb) {
    this.colour = new Color(rgb);
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  Color colour() {
    return colour;
  }

  /** For outlines, roofs and wings. */
  Color dark() {
    return this == BLACK ? new Color(0x1D1D24) : Tint.mix(colour, Color.BLACK, 0.38);
  }

  /** For bellies, muzzles and stripes. */
  Color light() {
    return this == WHITE ? new Color(0xE3E6EA) : Tint.mix(colour, Color.WHITE, 0.55);
  }
}

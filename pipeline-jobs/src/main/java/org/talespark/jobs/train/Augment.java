package org.talespark.jobs.train;

import java.util.List;
import org.talespark.jobs.config.Section;

/**
 * How training pictures are varied: {@code data.augment}. Everything is off by default; held-out
 * pictures are never touched.
 *
 * @param flip whether half of the pictures are mirrored; the same as {@code data.flip}
 * @param crop a part of the picture in place of the whole, or null
 * @param color changes of colour, or null
 */
public record Augment(Boolean flip, Crop crop, Color color) {
  private static final Section SECTION = new Section("train", "data.augment");

  /** Nothing. */
  static final Augment NONE = new Augment(false, null, null);

  public Augment {
    flip = flip != null && flip;
  }

  /**
   * A random part, scaled to {@code data.size}, as torchvision's {@code RandomResizedCrop} chooses
   * it.
   *
   * @param scale least and largest share of the picture's area, by default 0.08 to 1
   * @param ratio least and largest width over height, by default 3/4 to 4/3
   */
  public record Crop(List<Double> scale, List<Double> ratio) {
    public Crop {
      scale = scale == null ? List.of(0.08, 1.0) : List.copyOf(scale);
      ratio = ratio == null ? List.of(3 / 4.0, 4 / 3.0) : List.copyOf(ratio);
      SECTION.check(
          range(scale) && scale.get(0) > 0 && scale.get(1) <= 1,
          "crop.scale",
          scale,
          "[least, largest] share of the area, above 0 and at most 1");
      SECTION.check(
          range(ratio) && ratio.get(0) > 0 && ratio.get(1) <= 1000,
          "crop.ratio",
          ratio,
          "[least, largest] width over height, above 0 and at most 1000");
    }

    private static boolean range(List<Double> values) {
      return values.size() == 2 && values.get(0) <= values.get(1);
    }
  }

  /**
   * Random changes in random order, as torchvision's {@code ColorJitter} makes them; each is off by
   * default.
   *
   * @param brightness b: a factor of 1 - b (at least 0) to 1 + b
   * @param contrast the same of the distance from the mean grey
   * @param saturation the same of the distance from each pixel's grey
   * @param hue h: -h to h of a turn round the colour circle, at most 0.5
   */
  public record Color(Double brightness, Double contrast, Double saturation, Double hue) {
    public Color {
      brightness = brightness == null ? Double.valueOf(0) : brightness;
      contrast = contrast == null ? Double.valueOf(0) : contrast;
      saturation = saturation == null ? Double.valueOf(0) : saturation;
      hue = hue == null ? Double.valueOf(0) : hue;
      SECTION.check(strength(brightness), "color.brightness", brightness, "0 to 10");
      SECTION.check(strength(contrast), "color.contrast", contrast, "0 to 10");
      SECTION.check(strength(saturation), "color.saturation", saturation, "0 to 10");
      SECTION.check(hue >= 0 && hue <= 0.5, "color.hue", hue, "0 to 0.5");
    }

    private static boolean strength(double value) {
      return value >= 0 && value <= 10;
    }
  }
}

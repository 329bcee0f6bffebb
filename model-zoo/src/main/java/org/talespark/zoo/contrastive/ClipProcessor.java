package org.talespark.zoo.contrastive;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/**
 * What a {@code preprocessor_config.json} says happens to a picture before the model sees it, as
 * Hugging Face's {@code CLIPImageProcessor} does it:
 *
 * <ol>
 *   <li>{@code size}: the shorter side becomes {@code shortest_edge}, or both sides what it says,
 *       by the filter {@code resample} ({@link Resampling});
 *   <li>{@code crop_size}: the middle is cut out;
 *   <li>{@code rescale_factor}, {@code image_mean}, {@code image_std}: x = (v factor - mean) / std
 *       for each of red, green and blue.
 * </ol>
 *
 * <p>Each step has a switch of its own ({@code do_resize}, {@code do_center_crop}, {@code
 * do_rescale}, {@code do_normalize}).
 */
public final class ClipProcessor {
  private static final int CHANNELS = 3;

  /** The wanted size of a picture; the height is 0 where the width is that of the shorter side. */
  private record Size(int width, int height) {
    int shorter() {
      return height == 0 ? width : Math.min(width, height);
    }
  }

  private final int side;
  private final Size size; // null: as it is
  private final boolean crop;
  private final Resampling resampling;
  private final float factor;
  private final float[] mean = {0, 0, 0};
  private final float[] deviation = {1, 1, 1};

  private ClipProcessor(JsonNode file, int side) {
    this.side = side;
    this.size = file.path("do_resize").asBoolean(true) ? size(file, "size") : null;
    this.resampling = size == null ? null : Resampling.of(file.path("resample").asInt(-1));
    this.crop = file.path("do_center_crop").asBoolean(true);
    if (crop) {
      Size cut = size(file, "crop_size");
      boolean square = cut.height() == 0 || cut.height() == cut.width();
      check(square && cut.width() == side, "crop_size", file.path("crop_size"), sides());
      check(size == null || size.shorter() >= side, "size", file.path("size"), "at least " + side);
    } else {
      boolean square = size != null && size.width() == side && size.height() == side;
      check(square, "size", file.path("size"), sides() + " where do_center_crop is false");
    }
    this.factor =
        file.path("do_rescale").asBoolean(true)
            ? (float) number(file.path("rescale_factor"), "rescale_factor")
            : 1;
    if (file.path("do_normalize").asBoolean(true)) {
      for (int c = 0; c < CHANNELS; c++) {
        mean[c] = (float) number(file.path("image_mean").path(c), "image_mean");
        deviation[c] = (float) number(file.path("image_std").path(c), "image_std");
        check(deviation[c] > 0, "image_std", file.path("image_std"), "positive numbers");
      }
    }
  }

  /**
   * Reads a {@code preprocessor_config.json}.
   *
   * @param side pixels a side that the model takes
   * @throws IllegalArgumentException when a key is missing, or does not lead to such pictures
   */
  public static ClipProcessor of(byte[] file, int side) {
    try {
      return new ClipProcessor(new ObjectMapper().readTree(new String(file, UTF_8)), side);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "Cannot use processor: %s is no JSON: %s"
              .formatted(ClipFile.PREPROCESSOR, e.getMessage().lines().findFirst().orElse("")),
          e);
    }
  }

  private static Size size(JsonNode file, String key) {
    JsonNode node = file.path(key);
    JsonNode shortest =
        node.isObject() ? node.path("shortest_edge") : node; // a number in old files
    if (shortest.canConvertToInt() && shortest.intValue() > 0) {
      return new Size(shortest.intValue(), 0);
    }
    int width = node.path("width").asInt();
    int height = node.path("height").asInt();
    check(width > 0 && height > 0, key, node, "shortest_edge, or width and height");
    return new Size(width, height);
  }

  private static double number(JsonNode node, String key) {
    check(node.isNumber() && Double.isFinite(node.asDouble()), key, node, "numbers");
    return node.asDouble();
  }

  private static void check(boolean holds, String key, JsonNode value, String rule) {
    check(holds, key, value.isMissingNode() ? "nothing" : value, rule);
  }

  private static void check(boolean holds, String key, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot use processor: %s has %s=%s, expected %s"
              .formatted(ClipFile.PREPROCESSOR, key, value, rule));
    }
  }

  private String sides() {
    return "the model's %d x %d".formatted(side, side);
  }

  /**
   * A picture as the model takes it.
   *
   * @param rgb [height, width, 3], 0 to 255
   * @return [3, S, S]
   */
  public float[] planes(byte[] rgb, int width, int height) {
    int newWidth = width;
    int newHeight = height;
    byte[] scaled = rgb;
    if (size != null) {
      int shorter = Math.min(width, height);
      newWidth = size.height() == 0 ? (int) ((long) size.width() * width / shorter) : size.width();
      newHeight =
          size.height() == 0 ? (int) ((long) size.width() * height / shorter) : size.height();
      scaled = resampling.scale(rgb, width, height, newWidth, newHeight);
    }
    if (Math.min(newWidth, newHeight) < side) {
      throw new IllegalArgumentException(
          "Cannot use picture: width=%d height=%d, expected at least %d each, since %s does not resize"
              .formatted(width, height, side, ClipFile.PREPROCESSOR));
    }
    int left = (newWidth - side) / 2;
    int top = (newHeight - side) / 2;
    float[] planes = new float[CHANNELS * side * side];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        int at = CHANNELS * ((top + y) * newWidth + left + x);
        for (int c = 0; c < CHANNELS; c++) {
          float value = (scaled[at + c] & 0xFF) * factor;
          planes[(c * side + y) * side + x] = (value - mean[c]) / deviation[c];
        }
      }
    }
    return planes;
  }
}

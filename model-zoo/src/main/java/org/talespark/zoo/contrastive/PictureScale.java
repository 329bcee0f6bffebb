package org.talespark.zoo.contrastive;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.talespark.zoo.train.Pretrained;

/**
 * From pictures in [-1, 1] to those that a model was trained on, by the {@code rescale_factor},
 * {@code image_mean} and {@code image_std} of its {@code preprocessor_config.json}: a level v of 0
 * to 255 is (v rescale_factor - mean) / std there, and v / 127.5 - 1 here.
 */
final class PictureScale {
  private static final int CHANNELS = 3;
  private static final double HALF = 127.5;

  private final float[] factor = new float[CHANNELS];
  private final float[] shift = new float[CHANNELS];

  /** Reads the file's keys. */
  private PictureScale(JsonNode file) {
    double rescale =
        file.path("do_rescale").asBoolean(true) ? number(file, "rescale_factor", 0) : 1;
    boolean normalize = file.path("do_normalize").asBoolean(true);
    for (int c = 0; c < CHANNELS; c++) {
      double mean = normalize ? number(file, "image_mean", c) : 0;
      double deviation = normalize ? number(file, "image_std", c) : 1;
      factor[c] = (float) (HALF * rescale / deviation);
      shift[c] = (float) ((HALF * rescale - mean) / deviation);
    }
  }

  /**
   * Of a model.
   *
   * @throws IllegalArgumentException when it does not say what its pictures are
   */
  static PictureScale of(Pretrained model) {
    byte[] file = model.file(ClipFile.PREPROCESSOR);
    try {
      return new PictureScale(new ObjectMapper().readTree(new String(file, UTF_8)));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + ClipFile.PREPROCESSOR, e);
    }
  }

  private static double number(JsonNode file, String key, int channel) {
    JsonNode node = file.path(key).isArray() ? file.path(key).path(channel) : file.path(key);
    boolean divides = key.equals("image_std");
    if (!node.isNumber() || (divides && !(node.asDouble() > 0))) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint as CLIP: %s has %s=%s, expected %s for each of 3 channels"
              .formatted(
                  ClipFile.PREPROCESSOR,
                  key,
                  file.path(key),
                  divides ? "a positive number" : "a number"));
    }
    return node.asDouble();
  }

  /**
   * Pictures for the model; the same array where they are so already.
   *
   * @param pictures [B, 3, S, S] in [-1, 1]
   * @param side S
   */
  float[] apply(float[] pictures, int side) {
    if (isIdentity()) {
      return pictures;
    }
    float[] scaled = new float[pictures.length];
    for (int i = 0; i < scaled.length; i++) {
      int channel = i / (side * side) % CHANNELS;
      scaled[i] = pictures[i] * factor[channel] + shift[channel];
    }
    return scaled;
  }

  private boolean isIdentity() {
    for (int c = 0; c < CHANNELS; c++) {
      if (factor[c] != 1 || shift[c] != 0) {
        return false;
      }
    }
    return true;
  }
}

package org.talespark.data.prepare;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.talespark.data.image.ImageDecoder;

/**
 * The settings of {@code prepare}; in configuration files in snake case under {@code prepare}.
 *
 * @param size pixels a side of the prepared pictures
 * @param minSide pixels that the shorter side of an input must have
 * @param maxPixels width times height that an input may have
 * @param maxAspect longer over shorter side that an input may have, 0 for any
 * @param rejectBlank whether pictures of nearly one colour are rejected
 * @param dedup whether only the first (by key) of byte-identical pictures is kept
 * @param validation share of samples for validation
 * @param test share of samples for testing
 * @param shardSamples samples a shard
 * @param imageFormat {@code png} or {@code jpg}
 * @param jpegQuality 1 to 100, used for {@code jpg}
 * @param maxFileBytes length that a picture file may have
 * @param maxCaptionCharacters length that a cleaned caption may have
 */
public record PrepareConfig(
    int size,
    int minSide,
    long maxPixels,
    double maxAspect,
    boolean rejectBlank,
    boolean dedup,
    double validation,
    double test,
    int shardSamples,
    String imageFormat,
    int jpegQuality,
    long maxFileBytes,
    int maxCaptionCharacters)
    implements Serializable {

  private static final JsonMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  public PrepareConfig {
    check(size >= 1 && size <= 4096, "size", size, "1 to 4096");
    new ImageDecoder.Limits(minSide, maxPixels, maxAspect); // checks these three
    check(validation >= 0 && validation < 1, "validation", validation, "0 to below 1");
    check(test >= 0 && test < 1, "test", test, "0 to below 1");
    check(validation + test < 1, "validation + test", validation + test, "below 1");
    check(shardSamples >= 1, "shard_samples", shardSamples, ">= 1");
    requireNonNull(imageFormat, "imageFormat");
    check(
        imageFormat.equals("png") || imageFormat.equals("jpg"),
        "image_format",
        imageFormat,
        "png or jpg");
    check(jpegQuality >= 1 && jpegQuality <= 100, "jpeg_quality", jpegQuality, "1 to 100");
    check(
        maxFileBytes >= 1 && maxFileBytes <= 1 << 30,
        "max_file_bytes",
        maxFileBytes,
        "1 to 1073741824");
    check(
        maxCaptionCharacters >= 1 && maxCaptionCharacters <= 1_000_000,
        "max_caption_characters",
        maxCaptionCharacters,
        "1 to 1000000");
  }

  /** 64-pixel PNGs, 5 % each for validation and test, exact duplicates removed. */
  public static PrepareConfig defaults() {
    return new PrepareConfig(
        64, 16, 50_000_000, 0, false, true, 0.05, 0.05, 1000, "png", 92, 64L << 20, 2000);
  }

  /** The same with another size of the pictures. */
  public PrepareConfig withSize(int pixels) {
    return new PrepareConfig(
        pixels,
        minSide,
        maxPixels,
        maxAspect,
        rejectBlank,
        dedup,
        validation,
        test,
        shardSamples,
        imageFormat,
        jpegQuality,
        maxFileBytes,
        maxCaptionCharacters);
  }

  /**
   * The same with some settings replaced, by their names in configuration files.
   *
   * @throws IllegalArgumentException for a name that there is not, or a value out of range
   */
  public PrepareConfig with(Map<String, ?> settings) {
    ObjectNode merged = toJson();
    settings.forEach(
        (key, value) -> {
          if (!merged.has(key)) {
            List<String> names = new ArrayList<>();
            merged.fieldNames().forEachRemaining(names::add);
            throw new IllegalArgumentException(
                "Cannot prepare: unknown setting prepare.%s, expected one of %s"
                    .formatted(key, names));
          }
          merged.set(key, fitting(key, JSON.valueToTree(value), merged.get(key)));
        });
    try {
      return JSON.treeToValue(merged, PrepareConfig.class);
    } catch (ValueInstantiationException e) {
      throw e.getCause() instanceof IllegalArgumentException known
          ? known
          : new IllegalArgumentException("Cannot prepare: settings=" + settings, e);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "Cannot prepare: settings=%s do not fit (%s)".formatted(settings, e.getOriginalMessage()),
          e);
    }
  }

  /** The value, when it is of the kind that the setting has. */
  private static JsonNode fitting(String key, JsonNode value, JsonNode usual) {
    boolean fits =
        usual.isIntegralNumber()
            ? value.isIntegralNumber()
            : usual.isNumber() ? value.isNumber() : value.getNodeType() == usual.getNodeType();
    check(fits, key, value, "a value like " + usual);
    return value;
  }

  ImageDecoder.Limits limits() {
    return new ImageDecoder.Limits(minSide, maxPixels, maxAspect);
  }

  ObjectNode toJson() {
    return JSON.valueToTree(this);
  }

  private static void check(boolean holds, String key, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot prepare: prepare.%s=%s, expected %s".formatted(key, value, expected));
    }
  }
}

package org.talespark.data.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.talespark.data.caption.CaptionRules;
import org.talespark.data.caption.Normalization;
import org.talespark.data.corpus.Format;
import org.talespark.data.corpus.ReadLimits;
import org.talespark.data.image.ImageDecoder;
import org.talespark.data.image.Resize;

/**
 * The settings of {@code prepare}; in configuration files in snake case under {@code prepare}.
 *
 * @param format what the inputs are
 * @param size pixels a side of the prepared pictures
 * @param resize what becomes of pictures that are not square
 * @param minSide pixels that the shorter side of an input must have ({@code too_small})
 * @param minArea width times height that an input must have ({@code too_small}), 0 for any
 * @param maxPixels width times height that an input may have
 * @param maxAspect longer over shorter side that an input may have, 0 for any
 * @param rejectBlank whether pictures of nearly one colour are rejected
 * @param blocklist URI of a text file with a SHA-256 of a picture file on each line; pictures with
 *     one of them are rejected; null for none
 * @param dedup which copies of a picture are dropped
 * @param maxHashDistance bits, of 64, in which the hashes of near-duplicates may differ
 * @param validation share of samples for validation
 * @param test share of samples for testing
 * @param shardSamples the most samples of a shard; the shards of a split differ by one at most
 * @param shuffleSeed puts samples into the order of a seeded hash instead of their keys'; may be
 *     null
 * @param imageFormat the format of the prepared pictures
 * @param jpegQuality 1 to 100, used for {@code jpg}
 * @param maxFileBytes length that a picture file may have
 * @param captionNormalization the Unicode form of captions
 * @param captionLines whether each line of a caption file is a caption of its own
 * @param maxCaptionCharacters code points that a cleaned caption may have
 * @param minCaptionWords words that a cleaned caption must have; shorter ones count as empty
 * @param maxCaptionWords words that a cleaned caption may have, 0 for any
 */
public record PrepareConfig(
    @JsonSerialize(converter = LowerCase.class) Format format,
    int size,
    @JsonSerialize(converter = LowerCase.class) Resize.Mode resize,
    int minSide,
    long minArea,
    long maxPixels,
    double maxAspect,
    boolean rejectBlank,
    String blocklist,
    Dedup dedup,
    int maxHashDistance,
    double validation,
    double test,
    int shardSamples,
    Long shuffleSeed,
    ImageFormat imageFormat,
    int jpegQuality,
    long maxFileBytes,
    @JsonSerialize(converter = LowerCase.class) Normalization captionNormalization,
    boolean captionLines,
    int maxCaptionCharacters,
    int minCaptionWords,
    int maxCaptionWords)
    implements Serializable {

  /** A caption file of many lines may be longer than one caption. */
  private static final int MOST_LINES = 64;

  private static final long MOST_CAPTION_BYTES = 64L << 20;
  private static final int MOST_DISTANCE = 8;
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
          .build();

  public PrepareConfig {
    given("format", format);
    given("resize", resize);
    given("dedup", dedup);
    given("image_format", imageFormat);
    given("caption_normalization", captionNormalization);
    check(size >= 1 && size <= 4096, "size", size, "1 to 4096");
    new ImageDecoder.Limits(minSide, maxPixels, maxAspect); // checks these three
    check(minArea >= 0 && minArea <= maxPixels, "min_area", minArea, "0 to max_pixels");
    check(blocklist == null || !blocklist.isBlank(), "blocklist", blocklist, "a URI, or none");
    check(
        maxHashDistance >= 0 && maxHashDistance <= MOST_DISTANCE,
        "max_hash_distance",
        maxHashDistance,
        "0 to " + MOST_DISTANCE);
    check(validation >= 0 && validation < 1, "validation", validation, "0 to below 1");
    check(test >= 0 && test < 1, "test", test, "0 to below 1");
    check(validation + test < 1, "validation + test", validation + test, "below 1");
    check(shardSamples >= 1, "shard_samples", shardSamples, ">= 1");
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
    check(minCaptionWords >= 1, "min_caption_words", minCaptionWords, ">= 1");
    check(
        maxCaptionWords == 0 || maxCaptionWords >= minCaptionWords,
        "max_caption_words",
        maxCaptionWords,
        "0 (any) or at least min_caption_words=" + minCaptionWords);
  }

  /** 64-pixel PNGs, 5 % each for validation and test, exact duplicates removed. */
  public static PrepareConfig defaults() {
    return new PrepareConfig(
        Format.AUTO,
        64,
        Resize.Mode.CENTER_CROP,
        16,
        0,
        50_000_000,
        0,
        false,
        null,
        Dedup.EXACT,
        6,
        0.05,
        0.05,
        1000,
        null,
        ImageFormat.PNG,
        92,
        64L << 20,
        Normalization.NFC,
        false,
        2000,
        1,
        0);
  }

  /** The same with another size of the pictures. */
  public PrepareConfig withSize(int pixels) {
    return with(Map.of("size", pixels));
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
            : usual.isNumber()
                ? value.isNumber()
                : usual.isNull()
                    || key.equals("dedup") // a word, or true or false
                    || value.getNodeType() == usual.getNodeType();
    check(fits, key, value, "a value like " + usual);
    return value;
  }

  /**
   * The first setting in which a dataset's differ.
   *
   * @param settings of a manifest
   */
  Optional<String> firstDifference(JsonNode settings) {
    Iterator<Map.Entry<String, JsonNode>> mine = toJson().fields();
    while (mine.hasNext()) {
      Map.Entry<String, JsonNode> setting = mine.next();
      JsonNode other = settings.get(setting.getKey());
      if (other == null || !setting.getValue().toString().equals(other.toString())) {
        return Optional.of(setting.getKey());
      }
    }
    return Optional.empty();
  }

  ImageDecoder.Limits limits() {
    return new ImageDecoder.Limits(minSide, maxPixels, maxAspect);
  }

  Resize resizing() {
    return new Resize(resize, size);
  }

  CaptionRules captionRules() {
    return new CaptionRules(captionNormalization, maxCaptionCharacters);
  }

  /** A character takes at most four bytes; the rest allows for white space to be folded. */
  ReadLimits readLimits() {
    long one = 8L * maxCaptionCharacters + 1024;
    return new ReadLimits(
        maxFileBytes, (int) Math.min(MOST_CAPTION_BYTES, captionLines ? MOST_LINES * one : one));
  }

  ObjectNode toJson() {
    return JSON.valueToTree(this);
  }

  private static void given(String key, Object value) {
    check(value != null, key, null, "a value");
  }

  private static void check(boolean holds, String key, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot prepare: prepare.%s=%s, expected %s".formatted(key, value, expected));
    }
  }
}

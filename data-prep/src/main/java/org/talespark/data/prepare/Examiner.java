package org.talespark.data.prepare;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.talespark.data.Reason;
import org.talespark.data.image.ImageDecoder;
import org.talespark.data.image.Images;
import org.talespark.data.image.PictureException;
import org.talespark.data.image.PictureHeader;
import org.talespark.data.image.Pixels;
import org.talespark.data.prepare.Candidate.Found;
import org.talespark.data.prepare.Examined.Facts;

/**
 * Judges and converts one candidate at a time; a pure function of the candidate's files and the
 * settings.
 */
final class Examiner {

  /** Reads a whole file. */
  @FunctionalInterface
  interface FileSource {
    byte[] read(Found file) throws IOException;
  }

  /** Fields kept from a sidecar, in the index's words. */
  static final String NONE = "none";

  static final String KEPT = "kept";
  static final String MALFORMED = "malformed";

  private static final int MOST_SIDECAR_BYTES = 4 << 20;
  private static final int BLANK_RANGE = 4;
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final PrepareConfig config;
  private final ImageDecoder decoder;
  private final FileSource files;

  Examiner(PrepareConfig config, FileSource files) {
    this.config = requireNonNull(config, "config");
    this.files = requireNonNull(files, "files");
    this.decoder = new ImageDecoder(config.limits());
  }

  Examined examine(Candidate candidate) throws IOException {
    Facts facts = Facts.of(candidate);
    Reason early = refusal(candidate);
    if (early != null) {
      return new Examined.Rejected(facts, early);
    }
    Sidecar sidecar = sidecar(candidate.metadata());
    CaptionText caption = caption(candidate, sidecar);
    if (caption == null) {
      return new Examined.Rejected(facts, Reason.CAPTION_MISSING);
    }
    if (caption.text().isEmpty()) {
      return new Examined.Rejected(facts, Reason.CAPTION_EMPTY);
    }
    if (caption.text().length() > config.maxCaptionCharacters()) {
      return new Examined.Rejected(facts, Reason.CAPTION_TOO_LONG);
    }
    return picture(candidate, caption, sidecar);
  }

  /** What can be said without reading. */
  private Reason refusal(Candidate candidate) {
    if (candidate.refused() != null) {
      return candidate.refused();
    }
    if (candidate.picture() == null) {
      return Reason.PICTURE_MISSING;
    }
    if (candidate.picture().bytes() == 0) {
      return Reason.EMPTY_FILE;
    }
    if (candidate.picture().bytes() > config.maxFileBytes()) {
      return Reason.FILE_TOO_LARGE;
    }
    // a character takes at most four bytes; the rest allows for white space to be folded
    if (candidate.caption() != null
        && candidate.caption().bytes() > 8L * config.maxCaptionCharacters() + 1024) {
      return Reason.CAPTION_TOO_LONG;
    }
    return null;
  }

  private record Sidecar(String state, ObjectNode fields) {}

  private Sidecar sidecar(Found file) throws IOException {
    if (file == null) {
      return new Sidecar(NONE, null);
    }
    if (file.bytes() > MOST_SIDECAR_BYTES) {
      return new Sidecar(MALFORMED, null);
    }
    try {
      JsonNode tree = JSON.readTree(files.read(file));
      return tree instanceof ObjectNode object
          ? new Sidecar(KEPT, object)
          : new Sidecar(MALFORMED, null);
    } catch (JsonProcessingException e) {
      return new Sidecar(MALFORMED, null);
    }
  }

  /** From the {@code .txt}, else from the sidecar's {@code caption}; null when there is neither. */
  private CaptionText caption(Candidate candidate, Sidecar sidecar) throws IOException {
    if (candidate.caption() != null) {
      return CaptionText.clean(files.read(candidate.caption()));
    }
    JsonNode caption = sidecar.fields() == null ? null : sidecar.fields().get("caption");
    return caption != null && caption.isTextual() ? CaptionText.clean(caption.textValue()) : null;
  }

  private Examined picture(Candidate candidate, CaptionText caption, Sidecar sidecar)
      throws IOException {
    byte[] file = files.read(candidate.picture());
    String sha256 = HexFormat.of().formatHex(Keys.sha256().digest(file));
    Facts facts = new Facts(0, 0, file.length, sha256);
    try {
      PictureHeader header = PictureHeader.of(file);
      facts = new Facts(header.width(), header.height(), file.length, sha256);
      Pixels pixels = decoder.square(file, config.size()).pixels();
      if (config.rejectBlank() && blank(pixels)) {
        return new Examined.Rejected(facts, Reason.BLANK);
      }
      byte[] image =
          config.imageFormat().equals("png")
              ? Images.encodePng(pixels)
              : Images.encodeJpeg(pixels, config.jpegQuality());
      byte[] json = json(candidate, caption, sidecar, header, sha256);
      return new Examined.Accepted(
          facts, caption.text(), caption.repairs(), sidecar.state(), image, json);
    } catch (PictureException e) {
      return new Examined.Rejected(facts, e.reason());
    }
  }

  /** The sample's JSON: what this run knows, then the sidecar's fields under their own names. */
  private byte[] json(
      Candidate candidate,
      CaptionText caption,
      Sidecar sidecar,
      PictureHeader header,
      String sha256)
      throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("key", candidate.key());
    json.put("source", candidate.source());
    json.put("caption", caption.text());
    json.put("width", config.size());
    json.put("height", config.size());
    json.put("original_width", header.width());
    json.put("original_height", header.height());
    json.put("original_format", header.format().id());
    json.put("sha256", sha256);
    if (sidecar.fields() != null) {
      sidecar
          .fields()
          .fields()
          .forEachRemaining(
              field -> {
                if (!json.has(field.getKey())) {
                  json.set(field.getKey(), field.getValue());
                }
              });
    }
    return JSON.writeValueAsString(json).getBytes(StandardCharsets.UTF_8);
  }

  private static boolean blank(Pixels pixels) {
    int[] least = {255, 255, 255};
    int[] most = {0, 0, 0};
    byte[] rgb = pixels.rgb();
    for (int i = 0; i < rgb.length; i++) {
      int value = rgb[i] & 0xFF;
      least[i % 3] = Math.min(least[i % 3], value);
      most[i % 3] = Math.max(most[i % 3], value);
    }
    return most[0] - least[0] <= BLANK_RANGE
        && most[1] - least[1] <= BLANK_RANGE
        && most[2] - least[2] <= BLANK_RANGE;
  }
}

package org.talespark.data.prepare;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringTokenizer;
import org.talespark.data.Reason;
import org.talespark.data.Sha256;
import org.talespark.data.caption.Captions;
import org.talespark.data.corpus.Blob;
import org.talespark.data.corpus.Candidate;
import org.talespark.data.corpus.ReadLimits;
import org.talespark.data.dedup.Fingerprint;
import org.talespark.data.image.Blankness;
import org.talespark.data.image.ImageDecoder;
import org.talespark.data.image.Images;
import org.talespark.data.image.PictureException;
import org.talespark.data.image.PictureHeader;
import org.talespark.data.image.Pixels;
import org.talespark.data.prepare.Examined.Facts;
import org.talespark.data.prepare.Examined.Words;

/**
 * Judges and converts one candidate at a time; a pure function of the candidate's bytes and the
 * settings.
 */
final class Examiner {

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final byte[] NO_BYTES = {};

  private final PrepareConfig config;
  private final ImageDecoder decoder;
  private final ReadLimits limits;

  Examiner(PrepareConfig config) {
    this.config = requireNonNull(config, "config");
    this.decoder = new ImageDecoder(config.limits());
    this.limits = config.readLimits();
  }

  Examined examine(Candidate candidate) throws IOException {
    long bytes = candidate.picture() == null ? 0 : candidate.picture().bytes();
    Facts facts = new Facts(0, 0, null, bytes, null);
    Reason early = refusal(candidate);
    if (early != null) {
      return new Examined(facts, Words.NONE, early, null);
    }
    Sidecar sidecar = sidecar(candidate.metadata());
    Given given = given(candidate, sidecar);
    Words words = new Words(given.texts(), given.repairs(), sidecar.state());
    if (given.refusal() != null) {
      return new Examined(facts, words, given.refusal(), null);
    }
    byte[] file;
    try {
      file = candidate.picture().read();
    } catch (FileNotFoundException e) { // gone since it was listed
      return new Examined(facts, words, Reason.PICTURE_MISSING, null);
    }
    return picture(file, words, sidecar);
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
    return candidate.picture().bytes() > limits.maxFileBytes() ? Reason.FILE_TOO_LARGE : null;
  }

  private record Sidecar(String state, ObjectNode fields) {}

  private static Sidecar sidecar(Blob file) throws IOException {
    if (file == null) {
      return new Sidecar(Examined.NO_METADATA, null);
    }
    if (file.bytes() > ReadLimits.MAX_METADATA_BYTES) {
      return new Sidecar(Examined.METADATA_MALFORMED, null);
    }
    try {
      return JSON.readTree(file.read()) instanceof ObjectNode object
          ? new Sidecar(Examined.METADATA_KEPT, object)
          : new Sidecar(Examined.METADATA_MALFORMED, null);
    } catch (JsonProcessingException e) {
      return new Sidecar(Examined.METADATA_MALFORMED, null);
    }
  }

  /** Captions that can be used, and why there is none. */
  private record Given(List<String> texts, int repairs, Reason refusal) {}

  /** From the captions beside the picture, else from the sidecar. */
  private Given given(Candidate candidate, Sidecar sidecar) throws IOException {
    List<byte[]> raw = new ArrayList<>();
    int tooLong = 0;
    for (Blob caption : candidate.captions()) {
      if (caption.bytes() > limits.maxCaptionBytes()) {
        tooLong++;
      } else if (config.captionLines()) {
        addLines(raw, caption.read());
      } else {
        raw.add(caption.read());
      }
    }
    Captions cleaned =
        candidate.captions().isEmpty()
            ? Captions.cleanTexts(texts(sidecar), config.captionRules())
            : Captions.clean(raw, config.captionRules());
    List<String> fitting = new ArrayList<>();
    for (String text : cleaned.texts()) {
      int words = new StringTokenizer(text, " ").countTokens(); // cleaned: single spaces only
      if (config.maxCaptionWords() > 0 && words > config.maxCaptionWords()) {
        tooLong++;
      } else if (words >= config.minCaptionWords()) {
        fitting.add(text);
      }
    }
    Reason refusal = null;
    if (fitting.isEmpty()) {
      refusal =
          tooLong > 0
              ? Reason.CAPTION_TOO_LONG
              : cleaned.refusal().orElse(Reason.CAPTION_EMPTY); // the rest has too few words
    }
    return new Given(fitting, cleaned.repairs(), refusal);
  }

  /** Lines that are not blank; of a blank text one, so that it counts as an empty caption. */
  private static void addLines(List<byte[]> raw, byte[] text) {
    int before = raw.size();
    int start = 0;
    boolean blank = true;
    for (int i = 0; i <= text.length; i++) {
      if (i == text.length || text[i] == '\n' || text[i] == '\r') {
        if (!blank) {
          raw.add(Arrays.copyOfRange(text, start, i));
        }
        start = i + 1;
        blank = true;
      } else {
        blank &= text[i] == ' ' || text[i] == '\t';
      }
    }
    if (raw.size() == before) {
      raw.add(NO_BYTES);
    }
  }

  private static List<String> texts(Sidecar sidecar) {
    List<String> texts = new ArrayList<>();
    if (sidecar.fields() != null) {
      addText(texts, sidecar.fields().path("caption"));
      sidecar.fields().path("captions").forEach(text -> addText(texts, text));
    }
    return texts;
  }

  private static void addText(List<String> texts, JsonNode node) {
    if (node.isTextual()) {
      texts.add(node.textValue());
    }
  }

  private Examined picture(byte[] file, Words words, Sidecar sidecar) throws IOException {
    String sha256 = Sha256.hex(file);
    Facts facts = new Facts(0, 0, null, file.length, sha256);
    try {
      PictureHeader header = PictureHeader.of(file);
      String format = header.format().id();
      facts = new Facts(header.width(), header.height(), format, file.length, sha256);
      if (header.pixels() < config.minArea()) {
        return new Examined(facts, words, Reason.TOO_SMALL, null);
      }
      Pixels pixels = decoder.decode(file, config.resizing()).pixels();
      if (config.rejectBlank() && Blankness.nearlyBlank(pixels)) {
        return new Examined(facts, words, Reason.BLANK, null);
      }
      byte[] image =
          switch (config.imageFormat()) {
            case PNG -> Images.encodePng(pixels);
            case JPG -> Images.encodeJpeg(pixels, config.jpegQuality());
          };
      byte[] fields =
          sidecar.fields() == null ? NO_BYTES : JSON.writeValueAsBytes(sidecar.fields());
      Examined.Sample sample =
          new Examined.Sample(
              image, pixels.width(), pixels.height(), fields, Fingerprint.of(pixels));
      return new Examined(facts, words, null, sample);
    } catch (PictureException e) {
      return new Examined(facts, words, e.reason(), null);
    }
  }
}

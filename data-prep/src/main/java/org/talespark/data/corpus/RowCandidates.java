package org.talespark.data.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.Reason;

/**
 * Rows to candidates: the picture by bytes or path, the captions, and every other column as
 * metadata. A row with a key has its name from it, one without from its picture's path; rows are
 * the same sample only when their keys are.
 */
final class RowCandidates {

  private static final JsonMapper JSON = new JsonMapper();

  private final FoundFile file;
  private final String prefix;
  private final ReadLimits limits;
  private final PicturePath pictures;

  RowCandidates(FoundFile file, String prefix, ReadLimits limits, Configuration hadoop)
      throws IOException {
    this.file = file;
    this.prefix = prefix;
    this.limits = limits;
    this.pictures = new PicturePath(file, limits, hadoop);
  }

  /** A row of which nothing is known. */
  Candidate refused(String row, Reason reason) {
    return Candidate.refused(name(row), stem(row), source(row), reason);
  }

  /**
   * A row.
   *
   * @param row its number, unique in the file
   * @param fields the row; the columns used are taken out of it
   * @param bytes the picture when it is not named by path, or null
   * @throws IOException when the storage fails
   */
  Candidate of(String row, ObjectNode fields, Blob bytes) throws IOException {
    String path = bytes == null ? path(fields) : null;
    List<Blob> captions = captions(fields);
    String key = take(fields, Columns.KEYS);
    Blob metadata = metadata(fields);
    String name = name(row);
    String stem = stem(row);
    if (key != null && !key.isEmpty()) {
      name = prefix + RawText.readable(key);
      stem = file.relative() + "/" + key;
    } else if (path != null) {
      name = prefix + RawText.readable(PicturePath.name(path));
    }
    PicturePath.Found found =
        bytes != null
            ? new PicturePath.Found(bytes, null)
            : path == null
                ? new PicturePath.Found(null, Reason.PICTURE_MISSING)
                : pictures.find(path);
    return new Candidate(
        name, stem, source(row), found.picture(), captions, metadata, found.refused());
  }

  private String name(String row) {
    return file.stem() + "-" + row;
  }

  private String stem(String row) {
    return file.relative() + "#" + row;
  }

  private String source(String row) {
    return file.source() + "#" + row;
  }

  /** A path, also as the {@code path} of a structure, as Hugging Face writes pictures. */
  private static String path(ObjectNode fields) {
    for (String usual : Columns.PATHS) {
      String column = Columns.find(List.of(usual), names(fields));
      if (column != null) {
        JsonNode value = fields.get(column);
        JsonNode path = value.isObject() ? value.get("path") : value;
        if (path != null && path.isTextual() && !path.textValue().isEmpty()) {
          fields.remove(column);
          return path.textValue();
        }
      }
    }
    return null;
  }

  private List<Blob> captions(ObjectNode fields) {
    List<Blob> captions = new ArrayList<>();
    for (List<String> usual : List.of(Columns.CAPTIONS.subList(0, 2), Columns.CAPTIONS)) {
      for (String name : usual) {
        String column = captions.isEmpty() || usual.size() == 2 ? find(fields, name) : null;
        if (column != null) {
          JsonNode value = fields.remove(column);
          Iterable<JsonNode> texts = value.isArray() ? value : List.of(value);
          for (JsonNode text : texts) {
            if (text.isTextual()) {
              captions.add(caption(text.textValue()));
            }
          }
        }
      }
    }
    return captions;
  }

  private Blob caption(String text) {
    byte[] bytes = RawText.encode(text);
    return bytes.length > limits.maxCaptionBytes() ? Blob.skipped(bytes.length) : Blob.of(bytes);
  }

  private static String take(ObjectNode fields, List<String> usual) {
    String column = Columns.find(usual, names(fields));
    if (column == null || !fields.get(column).isValueNode() || fields.get(column).isNull()) {
      return null;
    }
    return fields.remove(column).asText();
  }

  private static String find(ObjectNode fields, String name) {
    return Columns.find(List.of(name), names(fields));
  }

  private static List<String> names(ObjectNode fields) {
    List<String> names = new ArrayList<>(fields.size());
    fields.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static Blob metadata(ObjectNode fields) {
    if (fields.isEmpty()) {
      return null;
    }
    try {
      byte[] json =
          RawText.readable(JSON.writeValueAsString(fields)).getBytes(StandardCharsets.UTF_8);
      return json.length > ReadLimits.MAX_METADATA_BYTES
          ? Blob.skipped(json.length)
          : Blob.of(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write metadata", e);
    }
  }
}

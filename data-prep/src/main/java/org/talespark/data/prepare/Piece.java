package org.talespark.data.prepare;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;

/**
 * A sample on its way into a shard: its words, and where its picture waits.
 *
 * @param captions at least one
 * @param width pixels of the prepared picture
 * @param height pixels of the prepared picture
 * @param file the spill file's name
 */
record Piece(
    String key,
    String source,
    List<String> captions,
    int width,
    int height,
    int originalWidth,
    int originalHeight,
    String originalFormat,
    String sha256,
    String file,
    long offset,
    int imageBytes,
    int sidecarBytes)
    implements Serializable {

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

  static Piece of(Row row) {
    return new Piece(
        row.getAs("key"),
        row.getAs("source"),
        List.copyOf(row.getList(row.fieldIndex("captions"))),
        row.getAs("made_width"),
        row.getAs("made_height"),
        row.getAs("width"),
        row.getAs("height"),
        row.getAs("format"),
        row.getAs("sha256"),
        row.getAs("spill_file"),
        row.getAs("spill_offset"),
        row.getAs("image_bytes"),
        row.getAs("sidecar_bytes"));
  }

  /** The {@code .txt}: the first caption. */
  byte[] txt() {
    return captions.get(0).getBytes(StandardCharsets.UTF_8);
  }

  /**
   * The {@code .json}: what this run knows, then the sidecar's fields under their own names where
   * those are free.
   *
   * @param sidecar a JSON object, or nothing
   */
  byte[] json(byte[] sidecar) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("key", key);
    json.put("source", source);
    json.put("caption", captions.get(0));
    if (captions.size() > 1) {
      captions.forEach(json.putArray("captions")::add);
    }
    json.put("width", width);
    json.put("height", height);
    json.put("original_width", originalWidth);
    json.put("original_height", originalHeight);
    json.put("original_format", originalFormat);
    json.put("sha256", sha256);
    if (sidecar.length > 0) {
      for (Map.Entry<String, JsonNode> field : JSON.readTree(sidecar).properties()) {
        if (!json.has(field.getKey()) && !field.getKey().equals("captions")) {
          json.set(field.getKey(), field.getValue());
        }
      }
    }
    return JSON.writeValueAsBytes(json);
  }
}

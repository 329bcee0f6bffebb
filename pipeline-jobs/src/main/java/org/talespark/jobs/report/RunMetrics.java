package org.talespark.jobs.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.talespark.data.BadInputException;
import org.talespark.jobs.report.LineChart.Point;

/**
 * The file {@code metrics.jsonl} of a run: one JSON object a line, appended and flushed line by
 * line, so that a crash tears the last line at worst. Reading passes over a torn last line; opening
 * for more removes it.
 */
public final class RunMetrics implements Closeable {

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
          .build();

  private final OutputStream out;

  private RunMetrics(OutputStream out) {
    this.out = out;
  }

  /** Writes to a stream, as on a Hadoop file system; closing closes the stream. */
  public static RunMetrics to(OutputStream out) {
    return new RunMetrics(Objects.requireNonNull(out, "out"));
  }

  /** Opens a file for more lines and makes it when it is missing. */
  public static RunMetrics append(Path file) throws IOException {
    return appendAfter(file, Long.MAX_VALUE);
  }

  /**
   * Opens a file for more lines of a run that goes on from a checkpoint: lines with a {@code step}
   * behind the checkpoint's, which the run will write again, are removed.
   */
  public static RunMetrics appendAfter(Path file, long step) throws IOException {
    if (Files.exists(file)) {
      ByteArrayOutputStream kept = new ByteArrayOutputStream();
      try (InputStream in = Files.newInputStream(file)) {
        for (ObjectNode row : read(in, file.toString())) {
          if (row.path("step").asLong(0) <= step) {
            kept.writeBytes(line(row));
          }
        }
      }
      if (!Arrays.equals(kept.toByteArray(), Files.readAllBytes(file))) {
        Path whole = file.resolveSibling(file.getFileName() + ".tmp");
        Files.write(whole, kept.toByteArray());
        Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } else if (file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
    return new RunMetrics(
        Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
  }

  /** Appends one row, a record or a map, and flushes it. */
  public void add(Object row) throws IOException {
    JsonNode node = JSON.valueToTree(row);
    if (!(node instanceof ObjectNode object)) {
      throw new IllegalStateException(
          "Cannot write metrics: row=%s, expected a record or a map".formatted(node));
    }
    out.write(line(object));
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  /** All whole rows of a file. */
  public static List<ObjectNode> read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return read(in, file.toString());
    }
  }

  /**
   * All whole rows of a stream.
   *
   * @param name what to call the stream in errors
   * @throws BadInputException when a line before the last one is not a JSON object
   */
  public static List<ObjectNode> read(InputStream in, String name) throws IOException {
    List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    List<ObjectNode> rows = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      ObjectNode row = parse(lines.get(i));
      if (row != null) {
        rows.add(row);
      } else if (i < lines.size() - 1 && !lines.get(i).isBlank()) {
        throw new BadInputException(
            "Cannot read metrics: file=%s line=%d, expected a JSON object; try removing that line"
                .formatted(name, i + 1));
      }
    }
    return rows;
  }

  /** One curve: the rows that have both keys, as points. */
  public static List<Point> curve(List<ObjectNode> rows, String x, String y) {
    return rows.stream()
        .filter(row -> row.path(x).isNumber() && row.path(y).isNumber())
        .map(row -> new Point(row.get(x).asDouble(), row.get(y).asDouble()))
        .toList();
  }

  private static byte[] line(ObjectNode row) {
    return (row + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static ObjectNode parse(String line) {
    try {
      return JSON.readTree(line) instanceof ObjectNode object ? object : null;
    } catch (JsonProcessingException e) {
      return null; // the caller knows whether this may be so
    }
  }
}

package org.talespark.jobs.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.talespark.jobs.report.RunMetrics;

/**
 * A run's {@code metrics.jsonl}: kept in memory and written as a whole with each checkpoint, since
 * not every file system can append. Rows behind the checkpoint that a run resumes from are dropped.
 */
final class MetricsLog {
  private final List<ObjectNode> rows;

  private MetricsLog(List<ObjectNode> rows) {
    this.rows = rows;
  }

  static MetricsLog after(RunDirectory directory, long step) throws IOException {
    List<ObjectNode> rows = new ArrayList<>();
    for (ObjectNode row : read(directory)) {
      if (row.path("step").asLong() <= step) {
        rows.add(row);
      }
    }
    return new MetricsLog(rows);
  }

  static List<ObjectNode> read(RunDirectory directory) throws IOException {
    Optional<byte[]> bytes = directory.read(RunDirectory.METRICS);
    return bytes.isEmpty()
        ? List.of()
        : RunMetrics.read(new ByteArrayInputStream(bytes.get()), RunDirectory.METRICS);
  }

  void add(ObjectNode row) {
    rows.add(row);
  }

  /** A metric's values by step, as far as they are known. */
  Map<Long, Double> values(String name) {
    Map<Long, Double> values = new TreeMap<>();
    for (ObjectNode row : rows) {
      if (row.path(name).isNumber()) {
        values.put(row.path("step").asLong(), row.get(name).asDouble());
      }
    }
    return values;
  }

  /** All rows as the file has them. */
  byte[] bytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (RunMetrics out = RunMetrics.to(bytes)) {
      for (ObjectNode row : rows) {
        out.add(row);
      }
    }
    return bytes.toByteArray();
  }
}

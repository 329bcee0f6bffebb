package org.talespark.jobs.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import org.talespark.jobs.report.RunMetrics;

/**
 * A run's {@code metrics.jsonl}: kept in memory and written as a whole with each checkpoint, since
 * not every file system can append. Rows behind the checkpoint that a run resumes from are dropped.
 */
final class MetricsLog {
  private final RunDirectory directory;
  private final List<ObjectNode> rows;

  private MetricsLog(RunDirectory directory, List<ObjectNode> rows) {
    this.directory = directory;
    this.rows = rows;
  }

  static MetricsLog after(RunDirectory directory, long step) throws IOException {
    List<ObjectNode> rows = new ArrayList<>();
    for (ObjectNode row : read(directory)) {
      if (row.path("step").asLong() <= step) {
        rows.add(row);
      }
    }
    return new MetricsLog(directory, rows);
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

  /** The best value that a metric has had, or the worst that there is. */
  double best(String name, boolean higherIsBetter) {
    DoubleStream values =
        rows.stream()
            .filter(row -> row.path(name).isNumber())
            .mapToDouble(row -> row.get(name).asDouble());
    return higherIsBetter
        ? values.max().orElse(Double.NEGATIVE_INFINITY)
        : values.min().orElse(Double.POSITIVE_INFINITY);
  }

  void save() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (RunMetrics out = RunMetrics.to(bytes)) {
      for (ObjectNode row : rows) {
        out.add(row);
      }
    }
    directory.write(RunDirectory.METRICS, bytes.toByteArray());
  }
}

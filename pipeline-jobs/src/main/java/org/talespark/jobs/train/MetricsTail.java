package org.talespark.jobs.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.talespark.jobs.metrics.RunTracker;

/**
 * Hands rows of a run's {@code metrics.jsonl} on to a tracker as they appear; rows that were there
 * at the beginning were handed on by an earlier run.
 */
final class MetricsTail {
  private final RunDirectory directory;
  private final RunTracker tracker;
  private int seen;
  private String version;

  MetricsTail(RunDirectory directory, RunTracker tracker) throws IOException {
    this.directory = directory;
    this.tracker = tracker;
    this.version = version();
    this.seen = MetricsLog.read(directory).size();
  }

  /** Looks for new rows. */
  void advance() throws IOException {
    String now = version();
    if (now.equals(version)) {
      return;
    }
    List<ObjectNode> rows = MetricsLog.read(directory);
    seen = Math.min(seen, rows.size()); // a run that went back writes its rows again
    for (ObjectNode row : rows.subList(seen, rows.size())) {
      tracker.metrics(row.path("step").asLong(), values(row));
    }
    seen = rows.size();
    version = now;
  }

  private static Map<String, Double> values(ObjectNode row) {
    Map<String, Double> values = new LinkedHashMap<>();
    row.fields()
        .forEachRemaining(
            field -> {
              if (!field.getKey().equals("step") && field.getValue().isNumber()) {
                values.put(field.getKey(), field.getValue().asDouble());
              }
            });
    return values;
  }

  /** Changes when the file does. */
  private String version() throws IOException {
    Path path = new Path(directory.root(), RunDirectory.METRICS);
    if (!directory.fileSystem().exists(path)) {
      return "";
    }
    FileStatus status = directory.fileSystem().getFileStatus(path);
    return status.getLen() + " " + status.getModificationTime();
  }
}

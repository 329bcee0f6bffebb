package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.report.LineChart;
import org.talespark.jobs.report.Picture;
import org.talespark.jobs.report.Report;
import org.talespark.jobs.report.RunMetrics;

/** A run's {@code report.html}: figures, curves, held-out metrics, sample grids, configuration. */
public final class TrainReport {
  private static final Set<String> NOT_CURVES = Set.of("step", "samples", "seconds");

  private final RunDirectory directory;
  private final TrainConfig config;
  private final RunSummary summary;

  TrainReport(RunDirectory directory, TrainConfig config, RunSummary summary) {
    this.directory = directory;
    this.config = config;
    this.summary = summary;
  }

  void write() throws IOException {
    Report report =
        Report.titled("Training run")
            .subtitle(directory.root().toString())
            .figure("Steps", Long.toString(summary.step()))
            .figure("Samples", Long.toString(summary.samples()))
            .figure("Workers", Integer.toString(summary.workers()))
            .figure("Samples per second", number(summary.samplesPerSecond()));
    summary
        .metrics()
        .forEach((name, value) -> report.figure(name.replace('_', ' '), number(value)));
    addCurves(report, directory);
    report.details("Configuration", ConfigTree.toYaml(config));
    directory.write(RunDirectory.REPORT, report.html().getBytes(UTF_8));
  }

  /** Adds a run's curves and its sample grids to a report. */
  public static void addCurves(Report report, RunDirectory directory) throws IOException {
    List<ObjectNode> rows = MetricsLog.read(directory);
    Set<String> names = new LinkedHashSet<>();
    rows.forEach(row -> row.fieldNames().forEachRemaining(names::add));
    names.removeAll(NOT_CURVES);
    for (String name : names) {
      report.chart(
          LineChart.of(
              name.replace('_', ' '),
              "step",
              "",
              new LineChart.Series(name, RunMetrics.curve(rows, "step", name))));
    }
    List<Picture> grids = new ArrayList<>();
    for (Path path : evenly(directory.samples(), 6)) {
      try (InputStream in = directory.fileSystem().open(path)) {
        grids.add(
            Picture.png(
                in.readAllBytes(), path.getName().replaceAll("step-0*(\\d+)\\.png", "step $1")));
      }
    }
    if (!grids.isEmpty()) {
      report.pictures("Samples: held-out originals above, the model's pictures below", 1, grids);
    }
  }

  private static List<Path> evenly(List<Path> paths, int most) {
    if (paths.size() <= most) {
      return paths;
    }
    List<Path> chosen = new ArrayList<>();
    for (int i = 0; i < most; i++) {
      chosen.add(paths.get(i * (paths.size() - 1) / (most - 1)));
    }
    return chosen;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, Math.abs(value) < 10 ? "%.3f" : "%.2f", value);
  }
}

package org.talespark.jobs.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.Split;
import org.talespark.data.prepare.PrepareSummary;
import org.talespark.data.prepare.PrepareSummary.Bin;
import org.talespark.jobs.report.BarChart;
import org.talespark.jobs.report.Picture;
import org.talespark.jobs.report.Report;

/** The page about a prepared dataset: counts, histograms, samples. */
final class PrepareReport {

  static final String FILE = "report.html";

  private PrepareReport() {}

  static String html(String out, PrepareSummary summary) {
    DatasetManifest manifest = summary.manifest();
    long rows = manifest.input().rows();
    Report report =
        Report.titled("Prepared dataset")
            .subtitle(out + " from " + String.join(", ", manifest.input().sources()))
            .figure("Inputs", count(rows))
            .figure("Accepted", count(manifest.accepted()))
            .figure("Rejected", count(rows - manifest.accepted()));
    for (Split split : Split.values()) {
      report.figure(split.id(), count(manifest.splits().getOrDefault(split.id(), 0L)));
    }
    report.figure("Shards", count(manifest.shards().size()));
    report.section("What became of the inputs");
    report.table(
        "By status and reason", List.of("status", "reason", "rows", "%"), counts(manifest));
    report.section("Sizes and captions");
    report.chart(bars("Shorter side of the originals", "pixels, from", summary.sides()));
    report.chart(
        bars("Length of the first captions", "characters, from", summary.captionLengths()));
    report.section("Samples");
    report.pictures(
        "Accepted",
        0,
        summary.pictures().stream().map(p -> Picture.png(p.png(), p.caption())).toList());
    if (!summary.rejected().isEmpty()) {
      report.table(
          "Rejected",
          List.of("reason", "source", "detail"),
          summary.rejected().stream()
              .map(row -> List.of(row.reason(), row.source(), row.detail()))
              .toList());
    }
    report.details("Settings", manifest.settings().toPrettyString());
    return report.html();
  }

  private static List<List<String>> counts(DatasetManifest manifest) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(row("accepted", "", manifest.accepted(), manifest));
    manifest.reasons().entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .forEach(e -> rows.add(row("rejected", e.getKey(), e.getValue(), manifest)));
    return rows;
  }

  private static List<String> row(
      String status, String reason, long rows, DatasetManifest manifest) {
    double share = 100.0 * rows / Math.max(1, manifest.input().rows());
    return List.of(status, reason, Long.toString(rows), String.format(Locale.ROOT, "%.2f", share));
  }

  private static BarChart bars(String title, String label, List<Bin> bins) {
    return new BarChart(
        title,
        label,
        "count",
        bins.stream().map(bin -> Long.toString(bin.from())).toList(),
        bins.stream().map(bin -> (double) bin.count()).toList());
  }

  private static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}

package org.talespark.jobs.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Grid;
import org.talespark.data.prepare.PrepareJob;
import org.talespark.jobs.infer.ReconstructJob;
import org.talespark.jobs.report.LineChart;
import org.talespark.jobs.report.Picture;
import org.talespark.jobs.report.Report;
import org.talespark.jobs.train.RunDirectory;
import org.talespark.jobs.train.TrainJob;
import org.talespark.jobs.train.TrainReport;
import org.talespark.zoo.io.SafetensorsFile;

/** The demo's page: what was drawn, how training went, what came back. */
final class DemoReport {
  private static final int COLUMNS = 8;
  private static final int ROWS = 4;
  private static final int CELL = 128;

  private final Path out;
  private final PrepareJob.Result prepared;
  private final TrainJob.Result trained;
  private final ReconstructJob.Result reconstructed;
  private final Configuration hadoop;

  DemoReport(
      Path out,
      PrepareJob.Result prepared,
      TrainJob.Result trained,
      ReconstructJob.Result reconstructed,
      SparkSession spark) {
    this.out = out;
    this.prepared = prepared;
    this.trained = trained;
    this.reconstructed = reconstructed;
    this.hadoop = spark.sessionState().newHadoopConf();
  }

  void write(Path file) throws IOException {
    Report report =
        Report.titled("Talespark demo")
            .subtitle("A picture book drawn, learned by a VQ-GAN on two executors, and read back")
            .figure("Held-out PSNR", String.format(Locale.ROOT, "%.2f dB", reconstructed.psnr()))
            .figure(
                "Codebook usage",
                String.format(Locale.ROOT, "%.1f %%", 100 * reconstructed.codebookUsage()))
            .figure("Held-out pictures", Long.toString(reconstructed.images()))
            .figure("Training pictures", Long.toString(prepared.accepted()))
            .figure("Steps", Long.toString(trained.step()))
            .figure(
                "Samples per second",
                String.format(Locale.ROOT, "%.1f", trained.samplesPerSecond()));
    report.section("Held-out pictures, and what 16 x 16 codes keep of them");
    report.pictures("Original above, reconstruction below", 1, List.of(comparison()));
    report.section("Codebook");
    report.chart(usage());
    report.section("Training");
    TrainReport.addCurves(report, new RunDirectory(out.resolve("vqgan").toString(), hadoop));
    report.write(file);
  }

  /** Pairs of rows: originals, and their reconstructions below. */
  private Picture comparison() throws IOException {
    List<List<byte[]>> rows = new ArrayList<>();
    Path images = out.resolve("reconstructed").resolve("images");
    Dataset dataset = Dataset.open(out.resolve("dataset").toUri().toString(), hadoop);
    List<byte[]> above = new ArrayList<>();
    List<byte[]> below = new ArrayList<>();
    for (Shard shard : dataset.shards(Split.TEST)) {
      try (ShardReader reader = shard.open(hadoop)) {
        while (reader.hasNext() && rows.size() < 2 * ROWS) {
          Sample sample = reader.next();
          above.add(sample.image());
          below.add(Files.readAllBytes(images.resolve(sample.key() + ".png")));
          if (above.size() == COLUMNS) {
            rows.add(List.copyOf(above));
            rows.add(List.copyOf(below));
            above.clear();
            below.clear();
          }
        }
      }
    }
    if (!above.isEmpty() && rows.isEmpty()) {
      rows.add(above);
      rows.add(below);
    }
    byte[] png = Grid.png(rows, CELL, 4);
    Files.write(out.resolve("reconstructions.png"), png);
    return Picture.png(png, "");
  }

  /** How often each code occurs in the held-out pictures, the most frequent first. */
  private LineChart usage() throws IOException {
    int codes = 0;
    int[] all;
    try (SafetensorsFile file =
        SafetensorsFile.open(out.resolve("reconstructed").resolve("codes.safetensors"))) {
      INDArray array = file.tensor("codes").load();
      all = array.reshape(array.length()).toIntVector();
    }
    for (int code : all) {
      codes = Math.max(codes, code + 1);
    }
    double[] counts = new double[codes];
    for (int code : all) {
      counts[code]++;
    }
    Arrays.sort(counts);
    List<LineChart.Point> points = new ArrayList<>();
    for (int i = 0; i < codes; i++) {
      points.add(new LineChart.Point(i + 1, counts[codes - 1 - i]));
    }
    return LineChart.of(
        "Codes by frequency in the held-out pictures",
        "rank",
        "count",
        new LineChart.Series("count", points));
  }
}

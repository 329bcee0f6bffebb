package org.talespark.jobs.infer;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.report.Picture;
import org.talespark.jobs.report.Report;

/** The page of {@code infer generate}: its first pictures above their prompts. */
final class GenerationReport {
  private static final int MOST = 240;
  private static final long MOST_BYTES = 32 << 20; // a page of more is slow to open

  private final FileSystem fs;
  private final CommittedOutput output;
  private final GenerationPlan plan;
  private final List<GenerateJob.Row> rows;

  GenerationReport(
      FileSystem fs, CommittedOutput output, GenerationPlan plan, List<GenerateJob.Row> rows) {
    this.fs = fs;
    this.output = output;
    this.plan = plan;
    this.rows = rows;
  }

  String html() throws IOException {
    List<Picture> pictures = new ArrayList<>();
    long bytes = 0;
    for (int i = 0; i < Math.min(MOST, rows.size()) && bytes < MOST_BYTES; i++) {
      GenerateJob.Row row = rows.get(i);
      try (InputStream in = fs.open(output.path(row.file()))) {
        byte[] file = in.readAllBytes();
        pictures.add(Picture.png(file, caption(row)));
        bytes += file.length;
      }
    }
    String heading =
        rows.size() > pictures.size()
            ? "The first %d pictures".formatted(pictures.size())
            : "Pictures";
    return Report.titled("Generated pictures")
        .subtitle(plan.settings().checkpoint())
        .figure("Pictures", Integer.toString(rows.size()))
        .figure("Seed", Long.toString(plan.settings().seed()))
        .pictures(heading, 0, pictures)
        .details("Settings", ConfigTree.toYaml(rows.get(0).settings()))
        .html();
  }

  private static String caption(GenerateJob.Row row) {
    String prompt = row.prompt().isEmpty() ? "" : row.prompt() + " ";
    return "%s(%d)".formatted(prompt, row.number());
  }
}

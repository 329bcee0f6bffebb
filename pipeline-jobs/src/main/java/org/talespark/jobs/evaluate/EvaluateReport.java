package org.talespark.jobs.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.talespark.data.image.Grid;
import org.talespark.jobs.report.Picture;
import org.talespark.jobs.report.Report;

/** The page of an evaluation, and its grid of pictures. */
final class EvaluateReport {
  private static final int CELL = 64;
  private static final int GAP = 2;

  private final EvaluateResult result;
  private final List<ShownPictures> shown;

  EvaluateReport(EvaluateResult result, List<ShownPictures> shown) {
    this.result = result;
    this.shown = shown;
  }

  String html() {
    Report report = Report.titled("Evaluation").subtitle(result.checkpoint());
    for (EvaluateResult.Table table : result.tables()) {
      report.table(table.heading(), table.columns(), table.rows());
    }
    if (result.pictures() != null) {
      result.pictures().notes().forEach(report::text);
    }
    if (!shown.isEmpty()) {
      List<Picture> pictures = new ArrayList<>();
      for (ShownPictures row : shown) {
        for (Map.Entry<String, byte[]> file : row.files().entrySet()) {
          boolean first = pictures.size() % columns() == 0;
          String what = file.getKey().replace('_', ' ');
          String caption =
              first && !row.prompt().isEmpty() ? "%s (%s)".formatted(row.prompt(), what) : what;
          pictures.add(Picture.png(file.getValue(), caption));
        }
      }
      report.pictures("Pictures of the first prompts", columns(), pictures);
    }
    return report.html();
  }

  /** One PNG: a row a prompt, in the order of the report. */
  byte[] grid() {
    List<List<byte[]>> rows = new ArrayList<>();
    shown.forEach(row -> rows.add(List.copyOf(row.files().values())));
    return Grid.png(rows, CELL, GAP);
  }

  private int columns() {
    return shown.get(0).files().size();
  }
}

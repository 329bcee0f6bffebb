package org.talespark.jobs.infer;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.talespark.jobs.infer.EmbeddingSet.Kind;
import org.talespark.jobs.infer.FoundItems.Found;
import org.talespark.jobs.infer.Queries.Query;
import org.talespark.jobs.report.Picture;
import org.talespark.jobs.report.Report;

/** The page of a search: what was found for each query, the best first. */
final class SearchPage {
  /** Results on the page, at most; a page of more is slow to open. */
  private static final int MOST = 1000;

  /**
   * A query and what was found for it.
   *
   * @param rows the best first
   */
  record Answer(Query query, List<Long> rows, List<String> keys, List<Double> scores) {}

  private final String checkpoint;
  private final Kind kind;
  private final long searched;
  private final List<Answer> answers;

  /**
   * A page.
   *
   * @param kind of what was found
   * @param searched rows
   */
  SearchPage(String checkpoint, Kind kind, long searched, List<Answer> answers) {
    this.checkpoint = checkpoint;
    this.kind = kind;
    this.searched = searched;
    this.answers = answers;
  }

  /** The answers that have a place on the page: the first ones. */
  List<Answer> shown() {
    List<Answer> shown = new ArrayList<>();
    int results = 0;
    for (Answer answer : answers) {
      results += answer.rows().size();
      if (results > MOST && !shown.isEmpty()) {
        break;
      }
      shown.add(answer);
    }
    return shown;
  }

  /**
   * The page.
   *
   * @param found what stands behind the rows, as far as it could be fetched
   * @param queries small pictures of the queries that are pictures, by their URI
   * @param note what the reader should know, or empty
   */
  String html(Map<Long, Found> found, Map<String, byte[]> queries, String note) {
    List<Answer> shown = shown();
    Report report =
        Report.titled("Search")
            .subtitle(checkpoint)
            .figure("Queries", Integer.toString(answers.size()))
            .figure(kind == Kind.IMAGE ? "Pictures" : "Texts", Long.toString(searched));
    if (!note.isEmpty()) {
      report.text(note);
    }
    if (shown.size() < answers.size()) {
      report.text(
          "The first %d of %d queries; all are in results.jsonl."
              .formatted(shown.size(), answers.size()));
    }
    for (Answer answer : shown) {
      List<Picture> pictures = new ArrayList<>();
      byte[] asked = queries.get(answer.query().label());
      if (asked != null) {
        pictures.add(Picture.png(asked, "query"));
      }
      List<List<String>> rows = new ArrayList<>();
      for (int i = 0; i < answer.rows().size(); i++) {
        Found item = found.get(answer.rows().get(i));
        String key = answer.keys().get(i);
        String score = String.format(Locale.ROOT, "%.4f", answer.scores().get(i));
        String text = item == null || item.text() == null ? "" : item.text();
        if (item != null && item.png() != null) {
          String caption = "%s (%s) %s".formatted(score, key, text);
          pictures.add(Picture.png(item.png(), caption.strip()));
        } else {
          rows.add(List.of(score, key, text));
        }
      }
      if (!pictures.isEmpty()) {
        report.pictures(answer.query().label(), 0, pictures);
      }
      if (!rows.isEmpty()) {
        report.table(answer.query().label(), List.of("score", "key", "text"), rows);
      }
    }
    return report.html();
  }
}

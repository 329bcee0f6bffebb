package org.talespark.jobs.evaluate;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.talespark.jobs.ForPeople;
import org.talespark.zoo.attributes.Estimate;
import org.talespark.zoo.attributes.PromptAccuracy;

/**
 * What an evaluation found.
 *
 * @param checkpoint the directory of the checkpoint itself
 * @param samples of the split that the metrics are of
 * @param metrics of the model family, by name
 * @param intervals their 95 % confidence intervals
 * @param pictures null where no pictures were judged
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record EvaluateResult(
    String checkpoint,
    String dataset,
    String split,
    long samples,
    @JsonAnyGetter Map<String, Double> metrics,
    Map<String, List<Double>> intervals,
    @JsonUnwrapped PictureFigures pictures)
    implements ForPeople {
  private static final List<String> PARTS = List.of("setting", "object", "colour");

  static EvaluateResult of(
      String checkpoint,
      String dataset,
      String split,
      long samples,
      Map<String, Estimate> metrics,
      PictureFigures pictures) {
    Map<String, Double> values = new LinkedHashMap<>();
    Map<String, List<Double>> intervals = new LinkedHashMap<>();
    metrics.forEach(
        (name, estimate) -> {
          values.put(name, estimate.value());
          intervals.put(name, List.of(estimate.low(), estimate.high()));
        });
    return new EvaluateResult(checkpoint, dataset, split, samples, values, intervals, pictures);
  }

  /** A table: its heading, its columns, its rows. */
  record Table(String heading, List<String> columns, List<List<String>> rows) {}

  /** Everything as tables, for the terminal and the report. */
  List<Table> tables() {
    List<Table> tables = new ArrayList<>();
    List<List<String>> rows = new ArrayList<>();
    metrics.forEach(
        (name, value) -> {
          List<Double> ends = intervals.get(name);
          rows.add(List.of(words(name), cell(new Estimate(value, ends.get(0), ends.get(1)))));
        });
    tables.add(
        new Table(
            "%d held-out samples of %s".formatted(samples, split),
            List.of("metric", "value (95 % interval)"),
            rows));
    if (pictures != null) {
      accuracies(tables);
      distances(tables);
    }
    return tables;
  }

  private void accuracies(List<Table> tables) {
    Map<Integer, List<List<String>>> rows = new LinkedHashMap<>();
    Map<Integer, Integer> prompts = new LinkedHashMap<>();
    pictures
        .promptAccuracy()
        .forEach(
            (what, groups) -> {
              for (PromptAccuracy.Group group : groups) {
                prompts.put(group.things(), group.prompts());
                List<PromptAccuracy.Share> shares =
                    List.of(group.setting(), group.object(), group.colour());
                List<List<String>> table =
                    rows.computeIfAbsent(group.things(), n -> new ArrayList<>());
                table.add(row(words(what), shares, false));
                if (what.equals(PictureFigures.GENERATED)) {
                  table.add(row("by chance", shares, true));
                }
              }
            });
    rows.forEach(
        (things, table) ->
            tables.add(
                new Table(
                    "%d prompts of %d %s: share that is right (95 %% interval)"
                        .formatted(prompts.get(things), things, things == 1 ? "thing" : "things"),
                    columns("pictures"),
                    table)));
  }

  private static List<String> columns(String first) {
    List<String> columns = new ArrayList<>(List.of(first));
    columns.addAll(PARTS);
    return columns;
  }

  private static List<String> row(String name, List<PromptAccuracy.Share> shares, boolean chance) {
    List<String> row = new ArrayList<>(List.of(name));
    for (PromptAccuracy.Share share : shares) {
      if (chance) {
        row.add(share.chance() == null ? "-" : number(share.chance()));
      } else {
        row.add(share.accuracy() == null ? "-" : cell(share.accuracy()));
      }
    }
    return row;
  }

  private void distances(List<Table> tables) {
    List<List<String>> rows = new ArrayList<>();
    pictures.frechetDistance().forEach((what, d) -> rows.add(List.of(words(what), cell(d))));
    if (!rows.isEmpty()) {
      tables.add(
          new Table(
              "Frechet distance to %d other real pictures".formatted(pictures.referencePictures()),
              List.of("pictures", "distance (95 % interval)"),
              rows));
    }
  }

  private static String words(String name) {
    return name.replace('_', ' ');
  }

  private static String cell(Estimate estimate) {
    return "%s (%s to %s)"
        .formatted(number(estimate.value()), number(estimate.low()), number(estimate.high()));
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, Math.abs(value) < 10 ? "%.4f" : "%.2f", value);
  }

  @Override
  public String text() {
    StringBuilder text = new StringBuilder(checkpoint).append('\n');
    for (Table table : tables()) {
      text.append('\n').append(table.heading()).append('\n');
      List<List<String>> lines = new ArrayList<>(List.of(table.columns()));
      lines.addAll(table.rows());
      for (List<String> line : lines) {
        for (int c = 0; c < line.size(); c++) {
          int column = c;
          int width = lines.stream().mapToInt(l -> l.get(column).length()).max().orElse(0);
          text.append("  ").append(line.get(c)).append(" ".repeat(width - line.get(c).length()));
        }
        text.setLength(text.toString().stripTrailing().length());
        text.append('\n');
      }
    }
    if (pictures != null) {
      pictures.notes().forEach(note -> text.append('\n').append("note: ").append(note));
    }
    return text.toString();
  }
}

package org.talespark.jobs.report;

import static org.talespark.jobs.report.Html.escape;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;
import org.talespark.jobs.report.LineChart.Point;
import org.talespark.jobs.report.LineChart.Series;

/**
 * Builds one self-contained HTML page: figures, charts, pictures and tables, with styles, scripts
 * and images inside the file. The page forbids itself to load anything from elsewhere. All text
 * given to it is escaped.
 */
public final class Report {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CHART_JS = "META-INF/resources/webjars/chart.js/%s/dist/chart.umd.js";
  private static final String CHART_JS_VERSION =
      "META-INF/maven/org.webjars.npm/chart.js/pom.properties";

  private final String title;
  private String subtitle = "";
  private final StringBuilder figures = new StringBuilder();
  private final StringBuilder body = new StringBuilder();
  private final List<ObjectNode> charts = new ArrayList<>();
  private boolean inCharts;

  private Report(String title) {
    this.title = Objects.requireNonNull(title, "title");
  }

  /** Starts a page. */
  public static Report titled(String title) {
    return new Report(title);
  }

  /** One line under the title. */
  public Report subtitle(String text) {
    subtitle = text;
    return this;
  }

  /** A key figure in the row at the top: {@code figure("PSNR", "27.4 dB")}. */
  public Report figure(String name, String value) {
    figures
        .append("<div class=\"figure\"><dd>")
        .append(escape(value))
        .append("</dd><dt>")
        .append(escape(name))
        .append("</dt></div>\n");
    return this;
  }

  /** A heading over what follows. */
  public Report section(String heading) {
    return block("<h2>" + escape(heading) + "</h2>\n");
  }

  /** A paragraph. */
  public Report text(String paragraph) {
    return block("<p>" + escape(paragraph) + "</p>\n");
  }

  /** Curves; charts that follow one another stand side by side. */
  public Report chart(LineChart chart) {
    ObjectNode spec =
        spec("line", chart.title(), chart.xLabel(), chart.yLabel()).put("log", chart.logarithmic());
    ArrayNode sets = spec.putArray("series");
    for (Series series : chart.series()) {
      ArrayNode points = sets.addObject().put("name", series.name()).putArray("points");
      for (Point point : LineChart.thinned(series.points())) {
        boolean shown = Double.isFinite(point.y()) && (!chart.logarithmic() || point.y() > 0);
        ArrayNode pair = points.addArray().add(point.x());
        if (shown) {
          pair.add(point.y());
        } else {
          pair.addNull(); // a gap
        }
      }
    }
    return canvas(spec, chart.title());
  }

  /** Bars, such as a histogram. */
  public Report chart(BarChart chart) {
    ObjectNode spec = spec("bar", chart.title(), chart.xLabel(), chart.yLabel());
    chart.labels().forEach(spec.putArray("labels")::add);
    chart.values().forEach(spec.putArray("values")::add);
    return canvas(spec, chart.title());
  }

  /**
   * Pictures in rows.
   *
   * @param heading above the grid
   * @param columns pictures in a row, as in {@code 2} for original beside reconstruction; 0 for as
   *     many as fit
   */
  public Report pictures(String heading, int columns, List<Picture> pictures) {
    String style =
        columns > 0
            ? " style=\"grid-template-columns:repeat(%d,minmax(0,%drem))\""
                .formatted(columns, columns < 6 ? 14 : 9)
            : "";
    StringBuilder grid = new StringBuilder("<section class=\"card\"><h3>");
    grid.append(escape(heading)).append("</h3>\n<div class=\"grid\"").append(style).append(">\n");
    for (Picture picture : pictures) {
      String caption = escape(picture.caption());
      grid.append("<figure><img alt=\"%s\" src=\"%s\">".formatted(caption, picture.dataUri()));
      grid.append(caption.isEmpty() ? "" : "<figcaption>" + caption + "</figcaption>");
      grid.append("</figure>\n");
    }
    return block(grid.append("</div></section>\n").toString());
  }

  /** A table; columns that hold only numbers are set right. */
  public Report table(String heading, List<String> columns, List<List<String>> rows) {
    StringBuilder table = new StringBuilder("<section class=\"card\"><h3>");
    table.append(escape(heading)).append("</h3><div class=\"scroll\"><table>\n<thead>");
    List<String> classes = new ArrayList<>();
    for (int c = 0; c < columns.size(); c++) {
      int column = c;
      boolean numeric =
          !rows.isEmpty()
              && rows.stream().allMatch(row -> row.get(column).matches("[-+]?[0-9][0-9.,eE+-]*"));
      classes.add(numeric ? " class=\"number\"" : "");
    }
    row(table, "th", columns, classes);
    table.append("</thead>\n<tbody>\n");
    rows.forEach(row -> row(table, "td", row, classes));
    return block(table.append("</tbody></table></div></section>\n").toString());
  }

  /** Text that is folded away, such as the resolved configuration. */
  public Report details(String heading, String text) {
    return block(
        "<details class=\"card\"><summary>%s</summary><pre>%s</pre></details>\n"
            .formatted(escape(heading), escape(text)));
  }

  /** The page. */
  public String html() {
    closeCharts();
    ArrayNode specs = JSON.createArrayNode();
    charts.forEach(specs::add);
    String script =
        charts.isEmpty()
            ? ""
            : "<script>%s</script>\n<script id=\"charts\" type=\"application/json\">%s</script>\n<script>%s</script>\n"
                .formatted(chartJs(), Html.json(specs.toString()), resource("report.js"));
    return """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
        <meta name="color-scheme" content="light dark">
        <title>%1$s</title>
        <style>
        %2$s</style>
        </head>
        <body>
        <main>
        <header><h1>%1$s</h1>%3$s</header>
        %4$s%5$s</main>
        %6$s</body>
        </html>
        """
        .formatted(
            escape(title),
            resource("report.css"),
            subtitle.isEmpty() ? "" : "<p class=\"subtitle\">" + escape(subtitle) + "</p>",
            figures.isEmpty() ? "" : "<dl class=\"figures\">\n" + figures + "</dl>\n",
            body,
            script);
  }

  /** Writes the page into a file, whole or not at all. */
  public void write(Path file) throws IOException {
    Path parent = file.toAbsolutePath().getParent();
    Files.createDirectories(parent);
    Path whole = parent.resolve(file.getFileName() + ".tmp");
    Files.writeString(whole, html());
    Files.move(whole, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  private static void row(
      StringBuilder table, String tag, List<String> cells, List<String> classes) {
    table.append("<tr>");
    for (int c = 0; c < cells.size(); c++) {
      table.append("<%s%s>%s</%s>".formatted(tag, classes.get(c), escape(cells.get(c)), tag));
    }
    table.append("</tr>\n");
  }

  private static ObjectNode spec(String kind, String title, String xLabel, String yLabel) {
    return JSON.createObjectNode()
        .put("kind", kind)
        .put("title", title)
        .put("x", xLabel)
        .put("y", yLabel);
  }

  private Report canvas(ObjectNode spec, String heading) {
    if (!inCharts) {
      body.append("<div class=\"charts\">\n");
      inCharts = true;
    }
    body.append(
        String.format(
            Locale.ROOT,
            "<section class=\"card\"><h3>%s</h3><div class=\"chart\"><canvas id=\"chart-%d\" role=\"img\" aria-label=\"%s\"></canvas></div></section>%n",
            escape(heading),
            charts.size(),
            escape(heading)));
    charts.add(spec);
    return this;
  }

  private Report block(String html) {
    closeCharts();
    body.append(html);
    return this;
  }

  private void closeCharts() {
    if (inCharts) {
      body.append("</div>\n");
      inCharts = false;
    }
  }

  private static String chartJs() {
    Properties properties = new Properties();
    try (InputStream in = open(CHART_JS_VERSION)) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + CHART_JS_VERSION, e);
    }
    return read(CHART_JS.formatted(properties.getProperty("version")))
        .replaceFirst("//# sourceMappingURL=\\S+", "");
  }

  private static String resource(String name) {
    return read("org/talespark/jobs/report/" + name);
  }

  private static String read(String path) {
    try (InputStream in = open(path)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + path, e);
    }
  }

  private static InputStream open(String path) {
    InputStream in = Report.class.getClassLoader().getResourceAsStream(path);
    if (in == null) {
      throw new IllegalStateException(
          "Cannot build report: resource=%s, expected it on the class path".formatted(path));
    }
    return in;
  }
}

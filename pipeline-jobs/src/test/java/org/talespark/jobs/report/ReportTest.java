package org.talespark.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.talespark.jobs.report.LineChart.Point;
import org.talespark.jobs.report.LineChart.Series;

class ReportTest {

  private static final String HOSTILE = "</script><script>alert('x')</script><b a=\"1\">&";

  @Test
  void aPageLoadsNothingFromElsewhere() {
    String page = sample().html();
    assertThat(page)
        .contains("default-src 'none'")
        .doesNotContain("<link")
        .doesNotContain("@import")
        .doesNotContain("sourceMappingURL")
        .doesNotContainPattern("(?i)(src|href|action|data)\\s*=\\s*[\"']?(https?:)?//")
        .doesNotContainPattern("(?i)url\\(\\s*[\"']?(https?:)?//");
    Matcher sources = Pattern.compile("src=\"([^\"]{0,30})").matcher(page);
    while (sources.find()) {
      assertThat(sources.group(1)).startsWith("data:image/png;base64,");
    }
  }

  @Test
  void allGivenTextIsEscaped() {
    String page =
        Report.titled(HOSTILE)
            .subtitle(HOSTILE)
            .figure(HOSTILE, HOSTILE)
            .section(HOSTILE)
            .text(HOSTILE)
            .chart(LineChart.of(HOSTILE, HOSTILE, HOSTILE, new Series(HOSTILE, List.of())))
            .chart(new BarChart(HOSTILE, HOSTILE, HOSTILE, List.of(HOSTILE), List.of(1.0)))
            .pictures(HOSTILE, 0, List.of(Picture.png(new byte[] {1}, HOSTILE)))
            .table(HOSTILE, List.of(HOSTILE), List.of(List.of(HOSTILE)))
            .details(HOSTILE, HOSTILE)
            .html();
    assertThat(page).doesNotContain("<script>alert").doesNotContain("<b a=");
    assertThat(Pattern.compile("<script").matcher(page).results()).hasSize(3);
  }

  @Test
  void chartsCarryTheirPoints() throws IOException {
    JsonNode charts =
        charts(
            Report.titled("t")
                .chart(
                    LineChart.of(
                            "loss",
                            "step",
                            "loss",
                            new Series("train", List.of(new Point(1, 2.5), new Point(2, -1))),
                            new Series("test", List.of(new Point(1, Double.NaN))))
                        .withLogAxis())
                .chart(BarChart.histogram("codes", "uses", new double[] {0, 0, 1, 4}, 4))
                .html());
    assertThat(charts.at("/0/log").asBoolean()).isTrue();
    assertThat(charts.at("/0/series/0/points")).hasToString("[[1.0,2.5],[2.0,null]]");
    assertThat(charts.at("/0/series/1/points")).hasToString("[[1.0,null]]");
    assertThat(charts.at("/1/values")).hasToString("[2.0,1.0,0.0,1.0]");
  }

  @Test
  void longCurvesAreThinnedAndKeepTheirPeaks() {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      points.add(new Point(i, i == 54_321 ? 99 : i == 54_322 ? -99 : Math.sin(i)));
    }
    List<Point> thinned = LineChart.thinned(points);
    assertThat(thinned).hasSizeLessThanOrEqualTo(LineChart.MOST_POINTS);
    assertThat(thinned).contains(new Point(54_321, 99), new Point(54_322, -99));
    assertThat(thinned).extracting(Point::x).isSorted();
  }

  @Test
  void aPageWithoutChartsCarriesNoScript() {
    assertThat(Report.titled("t").text("only words").html()).doesNotContain("<script");
  }

  @Test
  void aHistogramCountsEveryFiniteValueOnce() {
    double[] values = new Random(3).doubles(1000, -5, 5).toArray();
    values[0] = Double.NaN;
    values[1] = Double.POSITIVE_INFINITY;
    assertThat(BarChart.histogram("t", "x", values, 13).values().stream().mapToDouble(v -> v).sum())
        .isEqualTo(998);
    assertThat(BarChart.histogram("t", "x", new double[] {2, 2}, 3).values())
        .containsExactly(2.0, 0.0, 0.0);
    assertThat(BarChart.histogram("t", "x", new double[0], 2).values()).containsExactly(0.0, 0.0);
  }

  @Test
  void aPageIsWrittenWholeAndReplacesTheOneBefore() throws IOException {
    Path file = Path.of("target", "sample-report", "report.html");
    sample().write(file);
    sample().write(file);
    assertThat(file).content().startsWith("<!DOCTYPE html>").endsWith("</html>\n");
    try (var files = Files.list(file.getParent())) {
      assertThat(files).containsExactly(file);
    }
  }

  private static JsonNode charts(String page) throws IOException {
    Matcher data =
        Pattern.compile("<script id=\"charts\" type=\"application/json\">(.*?)</script>")
            .matcher(page);
    assertThat(data.find()).isTrue();
    return new ObjectMapper().readTree(data.group(1));
  }

  private static Report sample() {
    Random random = new Random(1);
    List<Point> train = IntStream.range(0, 3000).mapToObj(i -> curve(i, random)).toList();
    List<Point> held =
        IntStream.range(0, 12)
            .mapToObj(i -> new Point(i * 250, curve(i * 250, random).y() * 1.1))
            .toList();
    double[] uses = random.doubles(512, 0, 1).map(u -> -Math.log(u) * 40).toArray();
    List<Picture> pictures =
        IntStream.range(0, 12)
            .mapToObj(i -> Picture.of(dot(i), i % 2 == 0 ? "picture " + i : "reconstruction"))
            .toList();
    return Report.titled("VQ-GAN on picture books")
        .subtitle("recipe vqgan, 2 workers, seed 7")
        .figure("held-out PSNR", "27.4 dB")
        .figure("codebook usage", "98 %")
        .figure("steps", "3,000")
        .figure("images a second", "142")
        .chart(
            LineChart.of(
                    "Loss",
                    "step",
                    "loss",
                    new Series("train", train),
                    new Series("held out", held))
                .withLogAxis())
        .chart(LineChart.of("Held-out PSNR", "step", "dB", new Series("psnr", held)))
        .chart(BarChart.histogram("Uses of each code", "uses", uses, 24))
        .section("Pictures")
        .pictures("Held-out pictures beside their reconstructions", 4, pictures)
        .table(
            "Data",
            List.of("status", "rows", "note"),
            List.of(
                List.of("accepted", "1,200", "train and test"),
                List.of("near_duplicate", "31", "")))
        .details("Configuration", "train:\n  steps: 3000\n  learning_rate: 1.0E-4\n");
  }

  private static Point curve(int step, Random random) {
    return new Point(step, 0.02 + Math.exp(-step / 400.0) + 0.01 * random.nextDouble());
  }

  private static BufferedImage dot(int seed) {
    BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setColor(new Color(Color.HSBtoRGB(seed / 24f, 0.25f, 0.95f)));
    g.fillRect(0, 0, 64, 64);
    g.setColor(new Color(Color.HSBtoRGB(seed / 24f + 0.5f, 0.8f, 0.7f)));
    g.fillOval(12, 14, 36, 36);
    g.dispose();
    return image;
  }
}

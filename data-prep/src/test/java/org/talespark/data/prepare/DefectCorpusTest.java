package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.talespark.data.prepare.Scratch.index;
import static org.talespark.data.prepare.Scratch.outcome;
import static org.talespark.data.prepare.Scratch.samples;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.Reason;
import org.talespark.data.dataset.Sample;
import org.talespark.data.prepare.PrepareJob.Result;

class DefectCorpusTest {

  private static SparkSession spark;

  @TempDir static Path temporary;

  @BeforeAll
  static void startSpark() {
    spark = Scratch.spark();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  @Test
  void everyDefectHasExactlyItsOutcomeAndNothingDisappears() throws Exception {
    DefectCorpus corpus = new DefectCorpus(temporary.resolve("corpus"));
    PrepareConfig config =
        Scratch.SMALL.with(
            Map.of(
                "dedup",
                "near",
                "reject_blank",
                true,
                "min_area",
                300,
                "max_aspect",
                8,
                "max_caption_words",
                50,
                "blocklist",
                corpus.blocklist.toString()));
    Path out = temporary.resolve("dataset");

    Result result = new PrepareJob(corpus.inputs, out.toString(), config).run(spark);

    Map<String, String> found = new TreeMap<>();
    Map<String, Row> rows = new HashMap<>();
    String root = temporary.resolve("corpus") + "/";
    index(spark, out)
        .forEach(
            (source, row) -> {
              String name = source.substring(root.length());
              found.put(name, outcome(row));
              rows.put(name, row);
            });
    assertThat(found).containsExactlyInAnyOrderEntriesOf(corpus.expected);
    Set<Reason> reasons =
        result.rejected().keySet().stream().map(Reason::of).collect(Collectors.toSet());
    assertThat(reasons).isEqualTo(EnumSet.allOf(Reason.class));
    assertThat(result.accepted() + result.rejected().values().stream().mapToLong(n -> n).sum())
        .isEqualTo(corpus.expected.size());

    Map<String, Sample> samples = new HashMap<>();
    for (Sample sample : samples(out)) {
      String source = sample.metadata().get("source").textValue().substring(root.length());
      assertThat(samples.put(source, sample)).isNull();
      assertThat(corpus.expected).containsEntry(source, "accepted");
      assertThat(sample.key()).isEqualTo(rows.get(source).getAs("key"));
    }
    assertThat(samples).hasSize((int) result.accepted());
    assertThat(rows.get("folder/latin.png").<Integer>getAs("caption_repairs")).isEqualTo(1);
    assertThat(samples.get("folder/latin.png").caption()).isEqualTo("caf\uFFFD noir");
    assertThat(samples.get("folder/nul.png").caption()).isEqualTo("a cat sits");
    assertThat(rows.get("folder/broken.png").<String>getAs("metadata")).isEqualTo("malformed");
    assertThat(rows.get("folder/deep.png").<String>getAs("metadata")).isEqualTo("malformed");
    Sample sidecar = samples.get("folder/sidecar.png");
    assertThat(sidecar.caption()).isEqualTo("from the sidecar");
    assertThat(sidecar.metadata().get("licence").textValue()).isEqualTo("CC0");
    assertThat(samples.get("folder/list.png").metadata().get("captions").toString())
        .isEqualTo("[\"one\",\"two\"]");
    assertThat(samples.get("folder/original.png").metadata().get("captions")).hasSize(4);
  }
}

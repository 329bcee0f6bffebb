package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.data.prepare.Scratch.contents;
import static org.talespark.data.prepare.Scratch.index;
import static org.talespark.data.prepare.Scratch.listed;
import static org.talespark.data.prepare.Scratch.open;
import static org.talespark.data.prepare.Scratch.outcome;
import static org.talespark.data.prepare.Scratch.pair;
import static org.talespark.data.prepare.Scratch.png;
import static org.talespark.data.prepare.Scratch.put;
import static org.talespark.data.prepare.Scratch.samples;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.dataset.Sample;
import org.talespark.data.image.Images;

class PrepareAppendTest {

  private static final PrepareConfig NEAR = Scratch.SMALL.with(Map.of("dedup", "near"));

  private static SparkSession spark;

  @TempDir Path temporary;

  @BeforeAll
  static void startSpark() {
    spark = Scratch.spark();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  private PrepareJob append(Path input, Path out, PrepareConfig config) {
    return new PrepareJob(List.of(input.toString()), out.toString(), config, true);
  }

  @Test
  void onlyNewInputsAreTakenAndWhatIsThereStaysUntouched() throws Exception {
    Path in = temporary.resolve("in");
    for (int i = 0; i < 12; i++) {
      pair(in, "old-" + i, png(i, 40, 40), "picture " + i);
    }
    put(in, "late.txt", "its picture comes later");
    Path out = temporary.resolve("dataset");
    assertThat(append(in, out, NEAR).run(spark).accepted()).isEqualTo(12); // makes a new one
    Map<String, String> before = contents(out);
    Map<String, Row> rows = index(spark, out);
    List<Sample> old = samples(out);

    pair(in, "new-1", png(101, 40, 40), "the first new one");
    pair(in, "new-2", png(3, 40, 40), "the same as old-3");
    put(in, "new-3.jpg", Images.encodeJpeg(Scratch.pixels(4, 80, 80), 95));
    put(in, "new-3.txt", "larger, and looks like old-4");
    put(in, "old-5.jpg", Images.encodeJpeg(Scratch.pixels(105, 40, 40), 90)); // beside old-5.png
    put(in, "late.png", png(106, 40, 40));
    put(in, "zero.png", new byte[0]);
    put(in, "zero.txt", "nothing");
    PrepareJob.Result result = append(in, out, NEAR).run(spark);

    assertThat(result.accepted()).isEqualTo(14);
    assertThat(result.rejected())
        .isEqualTo(
            Map.of(
                "picture_missing", 1L,
                "duplicate", 1L,
                "near_duplicate", 1L,
                "duplicate_key", 1L,
                "empty_file", 1L));
    Map<String, String> after = contents(out);
    assertThat(after.keySet()).isEqualTo(listed(out));
    before.remove("dataset.json");
    assertThat(after).containsAllEntriesOf(before).hasSizeGreaterThan(before.size() + 1);
    assertThat(open(out).indexPaths()).hasSize(2);
    Map<String, Row> now = index(spark, out);
    assertThat(now).containsAllEntriesOf(rows).hasSize(rows.size() + 6);
    assertThat(now.get(in.resolve("new-2.png").toString()).<String>getAs("duplicate_of"))
        .isEqualTo("old-3");
    assertThat(now.get(in.resolve("new-3.jpg").toString()).<String>getAs("near_duplicate_of"))
        .isEqualTo("old-4");
    List<String> captions = samples(out).stream().map(Sample::caption).toList();
    assertThat(captions)
        .containsAll(old.stream().map(Sample::caption).toList())
        .contains("the first new one", "its picture comes later")
        .hasSize(14);

    Map<String, String> second = contents(out);
    assertThat(append(in, out, NEAR).run(spark).unchanged()).isTrue();
    assertThat(contents(out)).isEqualTo(second);
    assertThat(open(out).manifest().input().rows()).isEqualTo(19);
  }

  @Test
  void anotherFolderWithTheSameNamesGetsKeysOfItsOwn() throws Exception {
    Path a = temporary.resolve("a");
    Path b = temporary.resolve("b");
    Path out = temporary.resolve("dataset");
    pair(a, "x", png(1, 40, 40), "first");
    pair(b, "x", png(2, 40, 40), "second");
    append(a, out, Scratch.SMALL).run(spark);
    append(b, out, Scratch.SMALL).run(spark);
    assertThat(samples(out))
        .extracting(Sample::caption)
        .containsExactlyInAnyOrder("first", "second");
    assertThat(samples(out)).extracting(Sample::key).contains("x").doesNotHaveDuplicates();
    assertThat(index(spark, out).values()).allMatch(row -> outcome(row).equals("accepted"));
    assertThat(append(a, out, Scratch.SMALL).run(spark).unchanged()).isTrue();
    assertThat(append(b, out, Scratch.SMALL).run(spark).unchanged()).isTrue();

    assertThatThrownBy(
            () -> append(b, out, Scratch.SMALL.with(Map.of("test", 0.2, "size", 16))).run(spark))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prepare.size=16, expected 32");
  }
}

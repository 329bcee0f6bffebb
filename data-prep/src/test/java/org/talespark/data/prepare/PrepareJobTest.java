package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.data.prepare.Scratch.SMALL;
import static org.talespark.data.prepare.Scratch.contents;
import static org.talespark.data.prepare.Scratch.job;
import static org.talespark.data.prepare.Scratch.listed;
import static org.talespark.data.prepare.Scratch.open;
import static org.talespark.data.prepare.Scratch.outcome;
import static org.talespark.data.prepare.Scratch.pair;
import static org.talespark.data.prepare.Scratch.png;
import static org.talespark.data.prepare.Scratch.put;
import static org.talespark.data.prepare.Scratch.samples;
import static org.talespark.data.prepare.Scratch.scenes;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest.ShardEntry;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.data.prepare.PrepareJob.Result;

class PrepareJobTest {

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

  @Test
  void everySampleComesBackWithItsCaptionPictureAndTheFieldsOfItsSidecar() throws Exception {
    Path corpus = scenes(temporary, 60);
    Path out = temporary.resolve("dataset");

    Result result = job(corpus, out, SMALL).run(spark);

    assertThat(result.accepted()).isEqualTo(60);
    assertThat(result.rejected()).isEmpty();
    assertThat(result.unchanged()).isFalse();
    List<Sample> samples = samples(out);
    assertThat(samples).hasSize(60);
    Dataset dataset = open(out);
    for (Split split : Split.values()) {
      assertThat(dataset.samples(split)).as(split.id()).isPositive();
    }
    for (Sample sample : samples) {
      Path source = Path.of(sample.metadata().get("source").textValue());
      String stem = source.getFileName().toString().replace(".png", "");
      assertThat(sample.key()).isEqualTo("000_" + stem);
      assertThat(sample.caption() + "\n")
          .isEqualTo(Files.readString(source.resolveSibling(stem + ".txt")));
      assertThat(sample.metadata().get("caption").textValue()).isEqualTo(sample.caption());
      assertThat(sample.metadata().get("width").intValue()).isEqualTo(32);
      assertThat(sample.metadata().get("original_width").intValue()).isEqualTo(48);
      assertThat(sample.metadata().get("things")).isNotEmpty();
      assertThat(sample.metadata().get("questions")).isNotEmpty();
      assertThat(Images.decodePlanar(sample.image(), 32))
          .isEqualTo(Images.decodePlanar(Files.readAllBytes(source), 32));
    }
  }

  @Test
  void shardsFollowTheRulesOfWebDatasetAndGnuTarAndSparkReadThemBack() throws Exception {
    Path out = temporary.resolve("dataset");
    job(scenes(temporary, 40), out, SMALL).run(spark);
    Map<String, Row> index = Scratch.index(spark, out);
    Map<String, Sample> samples = new HashMap<>();
    samples(out).forEach(sample -> samples.put(sample.key(), sample));
    Set<String> keys = new HashSet<>();
    for (ShardEntry shard : open(out).manifest().shards()) {
      Path file = out.resolve(shard.path());
      List<String> names = names(file);
      assertThat(names).hasSize(3 * (int) shard.samples());
      for (int i = 0; i < names.size(); i += 3) {
        String key = names.get(i).substring(0, names.get(i).indexOf('.'));
        assertThat(names.subList(i, i + 3))
            .containsExactly(key + ".png", key + ".txt", key + ".json");
        assertThat(keys.add(key)).isTrue();
      }
      Path unpacked = Files.createDirectories(temporary.resolve("unpacked"));
      assertThat(tar("-tf", file.toString()).lines().toList()).isEqualTo(names);
      tar("-xf", file.toString(), "-C", unpacked.toString());
    }
    assertThat(keys).hasSize(40);
    for (Row row : index.values()) {
      String key = row.getAs("key");
      Path stem = temporary.resolve("unpacked").resolve(key);
      assertThat(Files.readAllBytes(Path.of(stem + ".png"))).isEqualTo(samples.get(key).image());
      assertThat(Files.readString(Path.of(stem + ".txt"))).isEqualTo(row.getAs("caption"));
      assertThat(Files.readString(Path.of(stem + ".json"))).contains("\"key\":\"" + key + "\"");
      byte[] original = Files.readAllBytes(Path.of(row.<String>getAs("source")));
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(original);
      assertThat(row.<String>getAs("sha256")).isEqualTo(HexFormat.of().formatHex(hash));
      assertThat(row.<byte[]>getAs("thumbnail")).hasSize(192);
      assertThat(row.<String>getList(row.fieldIndex("captions")))
          .containsExactly(row.<String>getAs("caption"));
    }
  }

  private static List<String> names(Path shard) throws Exception {
    List<String> names = new ArrayList<>();
    try (TarArchiveInputStream tar = new TarArchiveInputStream(Files.newInputStream(shard))) {
      for (TarArchiveEntry e = tar.getNextTarEntry(); e != null; e = tar.getNextTarEntry()) {
        names.add(e.getName());
        assertThat(e.getLastModifiedTime().toMillis()).isZero();
        assertThat(e.getLongUserId()).isZero();
        assertThat(e.getUserName()).isEmpty();
      }
    }
    assertThat(new String(Files.readAllBytes(shard), 257, 5, StandardCharsets.US_ASCII))
        .isEqualTo("ustar");
    return names;
  }

  private static String tar(String... arguments) throws Exception {
    List<String> command = Stream.concat(Stream.of("tar"), Stream.of(arguments)).toList();
    Process tar = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(tar.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(tar.waitFor()).as(said).isZero();
    return said;
  }

  @Test
  void shardsOfASplitDifferByOneSampleAtMostAndASeedShufflesThem() throws Exception {
    Path corpus = scenes(temporary, 61);
    Path sorted = temporary.resolve("sorted");
    Path shuffled = temporary.resolve("shuffled");
    job(corpus, sorted, SMALL).run(spark);
    job(corpus, shuffled, SMALL.with(Map.of("shuffle_seed", 5))).run(spark);
    for (Path out : List.of(sorted, shuffled)) {
      for (Split split : Split.values()) {
        List<Long> sizes = open(out).shards(split).stream().map(s -> s.samples()).toList();
        assertThat(sizes.stream().mapToLong(Long::longValue).sum())
            .isEqualTo(open(out).samples(split));
        assertThat(sizes).allMatch(size -> size <= 7).allMatch(s -> s >= sizes.get(0) - 1);
      }
    }
    List<String> keys = samples(sorted).stream().map(Sample::key).toList();
    List<String> others = samples(shuffled).stream().map(Sample::key).toList();
    assertThat(others).containsExactlyInAnyOrderElementsOf(keys).isNotEqualTo(keys);
  }

  @Test
  void copiesAreDroppedAndTheirCaptionsGoToTheBestOne() throws Exception {
    Path in = temporary.resolve("copies");
    byte[] large = Images.encodePng(Scratch.pixels(1, 96, 96));
    pair(in, "a", png(1, 48, 48), "small");
    pair(in, "b", large, "large\nof many words");
    pair(in, "c", large, "large");
    pair(in, "d", png(2, 48, 48), "another");
    put(in, "e.jpg", Images.encodeJpeg(Scratch.pixels(2, 48, 48), 90));
    put(in, "e.txt", "another, compressed");
    Path out = temporary.resolve("dataset");

    PrepareConfig near = SMALL.with(Map.of("dedup", "near", "caption_lines", true));
    Result result = job(in, out, near).run(spark);

    assertThat(result.rejected()).isEqualTo(Map.of("duplicate", 1L, "near_duplicate", 2L));
    assertThat(samples(out)).extracting(Sample::key).containsExactlyInAnyOrder("b", "e");
    Map<String, Row> index = Scratch.index(spark, out);
    Row kept = index.get(in.resolve("b.png").toString());
    assertThat(kept.<String>getList(kept.fieldIndex("captions")))
        .containsExactly("large", "of many words", "small");
    assertThat(index.get(in.resolve("a.png").toString()).<String>getAs("near_duplicate_of"))
        .isEqualTo("b");
    assertThat(index.get(in.resolve("c.png").toString()).<String>getAs("duplicate_of"))
        .isEqualTo("b");
    Sample sample = samples(out).stream().filter(s -> s.key().equals("b")).findFirst().get();
    assertThat(sample.caption()).isEqualTo("large");
    assertThat(sample.metadata().get("captions")).hasSize(3);
    Sample other = samples(out).stream().filter(s -> s.key().equals("e")).findFirst().get();
    assertThat(other.metadata().get("captions").toString())
        .isEqualTo("[\"another, compressed\",\"another\"]");

    Result all = job(in, out, near.with(Map.of("dedup", false))).run(spark);
    assertThat(all.accepted()).isEqualTo(5);
  }

  @Test
  void blockedPicturesAreRejectedAndABadLineOfTheListIsNamed() throws Exception {
    Path in = temporary.resolve("in");
    pair(in, "good", png(1, 40, 40), "good");
    byte[] bad = png(2, 40, 40);
    pair(in, "bad", bad, "bad");
    pair(in, "bad-copy", bad, "bad again");
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bad));
    put(temporary, "list.txt", "\n" + hash.toUpperCase(Locale.ROOT) + " \n" + hash);
    PrepareConfig config = SMALL.with(Map.of("blocklist", temporary + "/list.txt"));
    Path out = temporary.resolve("dataset");

    assertThat(job(in, out, config).run(spark).rejected()).isEqualTo(Map.of("blocked", 2L));
    assertThat(job(in, out, config).run(spark).unchanged()).isTrue();
    put(temporary, "list.txt", hash + "\nnonsense\n");
    assertThatThrownBy(() -> job(in, out, config).run(spark))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("line=2")
        .hasMessageContaining("nonsense");
  }

  @Test
  void aSecondRunOnTheSameInputChangesNothing() throws Exception {
    Path corpus = scenes(temporary, 20);
    Path out = temporary.resolve("dataset");
    Result first = job(corpus, out, SMALL).run(spark);
    Map<String, String> before = contents(out);

    Result second = job(corpus, out, SMALL).run(spark);

    assertThat(second.unchanged()).isTrue();
    assertThat(second.accepted()).isEqualTo(first.accepted());
    assertThat(second.shards()).isEqualTo(first.shards());
    assertThat(contents(out)).isEqualTo(before);
  }

  @Test
  void otherSettingsOrInputsReplaceTheDatasetAndLeaveNothingOfTheOldOne() throws Exception {
    Path corpus = scenes(temporary, 20);
    Path out = temporary.resolve("dataset");
    job(corpus, out, SMALL).run(spark);
    pair(corpus, "000/extra", png(1, 33, 33), "one more");

    assertThat(job(corpus, out, SMALL).run(spark).unchanged()).isFalse();
    assertThat(samples(out)).hasSize(21);
    assertThat(job(corpus, out, SMALL.withSize(16)).run(spark).unchanged()).isFalse();
    assertThat(samples(out)).hasSize(21);
    assertThat(contents(out).keySet()).isEqualTo(listed(out));
  }

  @Test
  void anInputWithoutAUsableRowIsBadInputAndLeavesNothing() throws Exception {
    Path in = temporary.resolve("empty");
    Path out = temporary.resolve("dataset");
    Files.createDirectories(in);
    assertThatThrownBy(() -> job(in, out, SMALL).run(spark))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("holds no files");
    put(in, "a.png", png(1, 20, 20));
    assertThatThrownBy(() -> job(in, out, SMALL).run(spark))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("caption_missing=1");
    assertThatThrownBy(() -> job(temporary.resolve("nowhere"), out, SMALL).run(spark))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("nowhere");
    assertThat(contents(out)).isEmpty();
  }

  @Test
  void foldersThatAreNotOursAreNeverTouched() throws Exception {
    Path corpus = scenes(temporary, 20);
    Path out = temporary.resolve("dataset");
    put(out, "shards/precious.tar", "mine");
    assertThatThrownBy(() -> job(corpus, out, SMALL).run(spark))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("shards");
    assertThat(out.resolve("shards/precious.tar")).hasContent("mine");
    assertThatThrownBy(() -> job(corpus, corpus.resolve("inside"), SMALL).run(spark))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("separate folders");
  }

  @Test
  void severalInputsKeepTheirSamplesApart() throws Exception {
    Path a = temporary.resolve("left/pictures");
    Path b = temporary.resolve("right/pictures");
    pair(a, "x", png(1, 20, 20), "first");
    pair(b, "x", png(2, 20, 20), "second");
    Path out = temporary.resolve("dataset");
    new PrepareJob(List.of(a.toString(), b.toUri().toString()), out.toString(), SMALL).run(spark);
    assertThat(samples(out))
        .extracting(Sample::caption)
        .containsExactlyInAnyOrder("first", "second");
    assertThat(new File(out.toString()).list())
        .containsExactlyInAnyOrder("dataset.json", "index", "shards");
    assertThat(Scratch.index(spark, out).values()).allMatch(r -> outcome(r).equals("accepted"));
  }
}

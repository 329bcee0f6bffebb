package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.io.BufferedInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;
import org.talespark.data.prepare.PrepareJob.Result;
import org.talespark.data.scenes.SceneCorpus;

class PrepareJobTest {

  private static final Configuration HADOOP = new Configuration();
  private static final PrepareConfig SMALL_SHARDS =
      new PrepareConfig(32, 16, 1_000_000, 0, false, true, 0.1, 0.1, 7, "png", 92, 1 << 20, 200);

  private static SparkSession spark;

  @TempDir Path temporary;

  @BeforeAll
  static void startSpark() {
    spark =
        SparkSession.builder()
            .master("local[2]")
            .appName("prepare-test")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "2")
            .getOrCreate();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  private Path scenes(long pages) {
    Path corpus = temporary.resolve("corpus-" + pages);
    new SceneCorpus(new SceneCorpus.Config(pages, 48, 3, corpus)).run();
    return corpus;
  }

  private static Result prepare(Path input, Path out, PrepareConfig config) {
    return new PrepareJob(List.of(input.toString()), out.toString(), config).run(spark);
  }

  private static byte[] png(int seed, int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (seed * 31 + i * (seed % 7 + 1));
    }
    return Images.encodePng(new Pixels(width, height, rgb));
  }

  private static void put(Path folder, String name, byte[] bytes) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, bytes);
  }

  private static void put(Path folder, String name, String text) throws IOException {
    put(folder, name, text.getBytes(StandardCharsets.UTF_8));
  }

  private static List<Sample> samples(Path dataset) {
    List<Sample> samples = new ArrayList<>();
    Dataset opened = Dataset.open(dataset.toString(), HADOOP);
    for (Split split : Split.values()) {
      for (Shard shard : opened.shards(split)) {
        shard.verify(HADOOP);
        try (ShardReader reader = shard.open(HADOOP)) {
          reader.forEachRemaining(samples::add);
        }
      }
    }
    return samples;
  }

  /** Names and hashes of all files below a folder, except the manifest. */
  private static Map<String, String> contents(Path folder) throws Exception {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
        contents.put(folder.relativize(file).toString(), HexFormat.of().formatHex(hash));
      }
    }
    return contents;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
  }

  @Test
  void everySampleComesBackWithItsCaptionPictureAndTheFieldsOfItsSidecar() throws Exception {
    Path corpus = scenes(60);
    Path out = temporary.resolve("dataset");

    Result result = prepare(corpus, out, SMALL_SHARDS);

    assertThat(result.accepted()).isEqualTo(60);
    assertThat(result.rejected()).isEmpty();
    assertThat(result.unchanged()).isFalse();
    List<Sample> samples = samples(out);
    assertThat(samples).hasSize(60);
    Dataset dataset = Dataset.open(out.toString(), HADOOP);
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
  void shardsFollowTheRulesOfWebDatasetAndGnuTarReadsThem() throws Exception {
    Path out = temporary.resolve("dataset");
    prepare(scenes(40), out, SMALL_SHARDS);
    Set<String> keys = new HashSet<>();
    for (DatasetManifest.ShardEntry shard :
        Dataset.open(out.toString(), HADOOP).manifest().shards()) {
      assertThat(shard.samples()).isBetween(1L, 7L);
      Path file = out.resolve(shard.path());
      List<String> names = new ArrayList<>();
      try (InputStream in = new BufferedInputStream(Files.newInputStream(file));
          TarArchiveInputStream tar = new TarArchiveInputStream(in)) {
        for (TarArchiveEntry e = tar.getNextTarEntry(); e != null; e = tar.getNextTarEntry()) {
          names.add(e.getName());
          assertThat(e.getLastModifiedTime().toMillis()).isZero();
          assertThat(e.getLongUserId()).isZero();
          assertThat(e.getUserName()).isEmpty();
        }
      }
      for (int i = 0; i < names.size(); i += 3) {
        String key = names.get(i).substring(0, names.get(i).indexOf('.'));
        assertThat(names.subList(i, i + 3))
            .containsExactly(key + ".png", key + ".txt", key + ".json");
        assertThat(keys.add(key)).isTrue();
      }
      assertThat(new String(Files.readAllBytes(file), 257, 5, StandardCharsets.US_ASCII))
          .isEqualTo("ustar");
      Process tar =
          new ProcessBuilder("tar", "-tf", file.toString()).redirectErrorStream(true).start();
      String listed = new String(tar.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(tar.waitFor()).as(listed).isZero();
      assertThat(listed.lines().toList()).isEqualTo(names);
    }
    assertThat(keys).hasSize(40);
  }

  @Test
  void theBytesDoNotDependOnTheNumberOfTasks() throws Exception {
    List<String> input = List.of(scenes(50).toString());
    Path one = temporary.resolve("one");
    Path three = temporary.resolve("three");
    new PrepareJob(input, one.toString(), SMALL_SHARDS, 1, () -> {}).run(spark);
    new PrepareJob(input, three.toString(), SMALL_SHARDS, 3, () -> {}).run(spark);

    assertThat(contents(three)).isEqualTo(contents(one)).containsKey("index.parquet");
  }

  @Test
  void everyDefectIsRejectedWithItsReasonAndNothingDisappears() throws Exception {
    Path in = temporary.resolve("dirty");
    Map<String, String> expected = new HashMap<>();
    String[] good = {
      "good", "nested/folder/deep", "named.with.dots", "\u65e5\u672c", "\u65e5\u8a9e"
    };
    for (int i = 0; i < good.length; i++) {
      put(in, good[i] + ".png", png(i, 20 + i, 30));
      put(in, good[i] + ".txt", "a good picture");
      expected.put(good[i] + ".png", "accepted");
    }
    put(in, "zero.png", new byte[0]);
    expected.put("zero.png", "empty_file");
    byte[] whole = png(40, 40, 40);
    put(in, "cut.png", Arrays.copyOf(whole, whole.length / 2));
    expected.put("cut.png", "truncated");
    byte[] jpeg = Images.encodeJpeg(new Pixels(40, 40, new byte[4800]), 90);
    put(in, "cut2.jpg", Arrays.copyOf(jpeg, jpeg.length - 2));
    expected.put("cut2.jpg", "truncated");
    put(in, "damaged.png", damagedData());
    expected.put("damaged.png", "undecodable");
    put(in, "words.jpg", "these are only words");
    expected.put("words.jpg", "unsupported_format");
    put(in, "jpeg-named.png", jpeg);
    expected.put("jpeg-named.png", "accepted");
    put(in, "small.png", png(42, 15, 60));
    expected.put("small.png", "too_small");
    put(in, "bomb.png", bombHeader());
    expected.put("bomb.png", "too_many_pixels");
    put(in, "heavy.png", new byte[(1 << 20) + 1]);
    expected.put("heavy.png", "file_too_large");
    put(in, "zz-copy.png", png(1, 21, 30));
    expected.put("zz-copy.png", "duplicate");
    put(in, "good.jpg", jpeg);
    expected.put("good.jpg", "accepted"); // before good.png in the order of sources
    expected.put("good.png", "duplicate_key");
    for (String name : expected.keySet().toArray(String[]::new)) {
      String stem = name.substring(0, name.lastIndexOf('.'));
      put(in, stem + ".txt", "a caption for " + stem);
    }
    put(in, "jpeg-named.txt", "the same bytes as good.jpg");
    expected.put("jpeg-named.png", "duplicate");
    put(in, "mute.png", png(43, 20, 20));
    expected.put("mute.png", "caption_missing");
    put(in, "hollow.png", png(44, 20, 20));
    put(in, "hollow.txt", " \t\u0000\n");
    expected.put("hollow.png", "caption_empty");
    put(in, "chatty.png", png(45, 20, 20));
    put(in, "chatty.txt", "x".repeat(201));
    expected.put("chatty.png", "caption_too_long");
    put(in, "flood.png", png(46, 20, 20));
    put(in, "flood.txt", "x".repeat(100_000));
    expected.put("flood.png", "caption_too_long");
    put(in, "orphan.txt", "a caption alone");
    expected.put("orphan.txt", "picture_missing");
    put(in, "latin.png", png(47, 20, 20));
    put(in, "latin.txt", "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    expected.put("latin.png", "accepted");
    put(in, "sidecar.png", png(48, 20, 20));
    put(in, "sidecar.json", "{\"caption\":\"from the sidecar\",\"licence\":\"CC0\"}");
    expected.put("sidecar.png", "accepted");
    put(in, "broken.png", png(49, 20, 20));
    put(in, "broken.txt", "its sidecar is broken");
    put(in, "broken.json", "{\"a\":");
    expected.put("broken.png", "accepted");
    Path secret = temporary.resolve("secret.png");
    Files.write(secret, png(50, 20, 20));
    Files.createSymbolicLink(in.resolve("link.png"), secret);
    put(in, "link.txt", "a link out of the input");
    expected.put("link.txt", "picture_missing");
    expected.put("link.png", "unsafe_path");
    put(in, ".hidden.png", png(51, 20, 20));
    put(in, "stories.jsonl", "{}");
    put(in, "README.md", "no input");
    Path out = temporary.resolve("dataset");

    Result result = prepare(in, out, SMALL_SHARDS);

    Map<String, String> found = new HashMap<>();
    Map<String, Row> rows = new HashMap<>();
    for (Row row : spark.read().parquet(out.resolve("index.parquet").toString()).collectAsList()) {
      String source = in.relativize(Path.of(row.<String>getAs("source"))).toString();
      String status = row.getAs("status");
      found.put(source, status.equals("accepted") ? status : row.getAs("reason"));
      rows.put(source, row);
    }
    assertThat(found).containsExactlyInAnyOrderEntriesOf(expected);
    long accepted = expected.values().stream().filter("accepted"::equals).count();
    assertThat(result.accepted()).isEqualTo(accepted);
    assertThat(result.rejected())
        .contains(entry("caption_too_long", 2L), entry("truncated", 2L), entry("empty_file", 1L));
    assertThat(rows.get("latin.png").<String>getAs("caption")).isEqualTo("caf\u00e9");
    assertThat(rows.get("latin.png").<Integer>getAs("caption_repairs")).isEqualTo(1);
    assertThat(rows.get("broken.png").<String>getAs("metadata")).isEqualTo("malformed");
    Map<String, Sample> byCaption = new HashMap<>();
    samples(out).forEach(s -> byCaption.put(s.caption(), s));
    assertThat(byCaption.get("from the sidecar").metadata().get("licence").textValue())
        .isEqualTo("CC0");
    assertThat(byCaption).hasSize((int) accepted);
  }

  /** A PNG whose compressed data is noise, with all chunks in place. */
  private static byte[] damagedData() {
    byte[] file = png(41, 40, 40);
    for (int i = 50; i < file.length - 30; i++) {
      file[i] = (byte) (i * 77);
    }
    return file;
  }

  /** A tiny PNG that claims 60,000 by 60,000 pixels. */
  private static byte[] bombHeader() {
    byte[] file = png(52, 20, 20);
    file[18] = (byte) 0xEA;
    file[19] = 0x60;
    file[22] = (byte) 0xEA;
    file[23] = 0x60;
    return file;
  }

  @Test
  void aSecondRunOnTheSameInputChangesNothing() throws Exception {
    Path corpus = scenes(20);
    Path out = temporary.resolve("dataset");
    Result first = prepare(corpus, out, SMALL_SHARDS);
    Map<String, String> before = contents(out);

    Result second = prepare(corpus, out, SMALL_SHARDS);

    assertThat(second.unchanged()).isTrue();
    assertThat(second.accepted()).isEqualTo(first.accepted());
    assertThat(second.shards()).isEqualTo(first.shards());
    assertThat(contents(out)).isEqualTo(before);
  }

  @Test
  void otherSettingsOrInputsReplaceTheDatasetAndLeaveNothingOfTheOldOne() throws Exception {
    Path corpus = scenes(20);
    Path out = temporary.resolve("dataset");
    prepare(corpus, out, SMALL_SHARDS);
    put(corpus, "000/extra.png", png(1, 33, 33));
    put(corpus, "000/extra.txt", "one more");

    Result second = prepare(corpus, out, SMALL_SHARDS);
    assertThat(second.unchanged()).isFalse();
    assertThat(samples(out)).hasSize(21);
    Result third = prepare(corpus, out, SMALL_SHARDS.withSize(16));
    assertThat(third.unchanged()).isFalse();
    assertThat(samples(out)).hasSize(21);

    DatasetManifest manifest = Dataset.open(out.toString(), HADOOP).manifest();
    Set<String> listed = new HashSet<>(Set.of("dataset.json", manifest.index().path()));
    manifest.shards().forEach(s -> listed.add(s.path()));
    assertThat(contents(out).keySet()).isEqualTo(listed);
  }

  @Test
  void aRunThatDiesBeforeItsCommitLeavesTheOldDatasetWholeAndTheNextRunCleansUp() throws Exception {
    Path corpus = scenes(20);
    Path out = temporary.resolve("dataset");
    Path killed = temporary.resolve("killed");
    prepare(corpus, out, SMALL_SHARDS);
    Map<String, String> before = contents(out);
    PrepareConfig other = SMALL_SHARDS.withSize(16);

    // what the disk holds at the moment of the kill
    Runnable die =
        () -> {
          try {
            copy(out, killed);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
          throw new IllegalStateException("killed");
        };
    assertThatThrownBy(
            () ->
                new PrepareJob(List.of(corpus.toString()), out.toString(), other, 0, die)
                    .run(spark))
        .hasMessage("killed");

    assertThat(contents(out)).as("a failed run cleans up after itself").isEqualTo(before);
    assertThat(contents(killed)).containsAllEntriesOf(before);
    assertThat(contents(killed).size()).isGreaterThan(before.size());
    assertThat(samples(killed)).hasSize(20);
    assertThat(Dataset.open(killed.toString(), HADOOP).manifest().settings().get("size").intValue())
        .isEqualTo(32);
    put(killed, "notes.txt", "not ours");

    prepare(corpus, killed, other);

    assertThat(samples(killed)).hasSize(20);
    assertThat(contents(killed).keySet()).hasSameSizeAs(withNotes(killed));
    assertThat(killed.resolve("notes.txt")).exists();
  }

  private static Set<String> withNotes(Path dataset) {
    DatasetManifest manifest = Dataset.open(dataset.toString(), HADOOP).manifest();
    Set<String> listed =
        new HashSet<>(Set.of("dataset.json", "notes.txt", manifest.index().path()));
    manifest.shards().forEach(s -> listed.add(s.path()));
    return listed;
  }

  @Test
  void anInputWithoutAUsableRowIsBadInputAndLeavesNothing() throws Exception {
    Path in = temporary.resolve("empty");
    Path out = temporary.resolve("dataset");
    Files.createDirectories(in);
    assertThatThrownBy(() -> prepare(in, out, SMALL_SHARDS))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no picture found");
    put(in, "a.png", png(1, 20, 20));
    assertThatThrownBy(() -> prepare(in, out, SMALL_SHARDS))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("caption_missing=1");
    assertThatThrownBy(() -> prepare(temporary.resolve("nowhere"), out, SMALL_SHARDS))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("nowhere");
    assertThat(contents(out)).isEmpty();
  }

  @Test
  void foldersThatAreNotOursAreNeverTouched() throws Exception {
    Path corpus = scenes(20);
    Path out = temporary.resolve("dataset");
    put(out, "shards/precious.tar", "mine");
    assertThatThrownBy(() -> prepare(corpus, out, SMALL_SHARDS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("shards");
    assertThat(out.resolve("shards/precious.tar")).hasContent("mine");
    assertThatThrownBy(() -> prepare(corpus, corpus.resolve("inside"), SMALL_SHARDS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("separate folders");
  }

  @Test
  void severalInputsKeepTheirSamplesApart() throws Exception {
    Path a = temporary.resolve("left/pictures");
    Path b = temporary.resolve("right/pictures");
    put(a, "x.png", png(1, 20, 20));
    put(a, "x.txt", "first");
    put(b, "x.png", png(2, 20, 20));
    put(b, "x.txt", "second");
    Path out = temporary.resolve("dataset");
    new PrepareJob(List.of(a.toString(), b.toUri().toString()), out.toString(), SMALL_SHARDS)
        .run(spark);
    assertThat(samples(out))
        .extracting(Sample::caption)
        .containsExactlyInAnyOrder("first", "second");
    assertThat(new File(out.toString()).list()).contains("dataset.json", "index.parquet", "shards");
  }
}

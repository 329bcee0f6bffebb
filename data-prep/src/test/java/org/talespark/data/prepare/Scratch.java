package org.talespark.data.prepare;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;
import org.talespark.data.scenes.SceneCorpus;

/** Small corpora and datasets for tests. */
final class Scratch {

  static final Configuration HADOOP = new Configuration();

  /** 32-pixel pictures, a tenth each for validation and test, seven samples a shard. */
  static final PrepareConfig SMALL =
      PrepareConfig.defaults()
          .with(
              Map.of(
                  "size",
                  32,
                  "max_pixels",
                  1_000_000,
                  "reject_blank",
                  false,
                  "validation",
                  0.1,
                  "test",
                  0.1,
                  "shard_samples",
                  7,
                  "max_file_bytes",
                  1 << 20,
                  "max_caption_characters",
                  200));

  private Scratch() {}

  static SparkSession spark() {
    return SparkSession.builder()
        .master("local[2,4]") // a task may fail three times
        .appName("prepare-test")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        // compiling takes longer than the few rows here
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .getOrCreate();
  }

  /** A picture-book corpus in a new folder. */
  static Path scenes(Path folder, long pages) {
    Path corpus = folder.resolve("corpus-" + pages);
    new SceneCorpus(new SceneCorpus.Config(pages, 48, 3, corpus)).run();
    return corpus;
  }

  static PrepareJob job(Path input, Path out, PrepareConfig config) {
    return new PrepareJob(List.of(input.toString()), out.toString(), config);
  }

  /** A picture that differs from that of any other small seed, and looks different. */
  static Pixels pixels(int seed, int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    long state = seed * 0x9E3779B97F4A7C15L + 1;
    int[] levels = new int[48];
    for (int i = 0; i < levels.length; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      levels[i] = (int) (state >>> 56);
    }
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int cell = 4 * (y * 4 / height) + x * 4 / width;
        for (int c = 0; c < 3; c++) {
          rgb[3 * (y * width + x) + c] = (byte) levels[3 * cell + c];
        }
      }
    }
    return new Pixels(width, height, rgb);
  }

  static byte[] png(int seed, int width, int height) {
    return Images.encodePng(pixels(seed, width, height));
  }

  static void put(Path folder, String name, byte[] bytes) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, bytes);
  }

  static void put(Path folder, String name, String text) throws IOException {
    put(folder, name, text.getBytes(StandardCharsets.UTF_8));
  }

  /** A picture with its caption. */
  static void pair(Path folder, String stem, byte[] png, String caption) throws IOException {
    put(folder, stem + ".png", png);
    put(folder, stem + ".txt", caption);
  }

  static Dataset open(Path dataset) {
    return Dataset.open(dataset.toString(), HADOOP);
  }

  /** All samples in order, the shards' checksums verified. */
  static List<Sample> samples(Path dataset) {
    List<Sample> samples = new ArrayList<>();
    for (Split split : Split.values()) {
      for (Shard shard : open(dataset).shards(split)) {
        shard.verify(HADOOP);
        try (ShardReader reader = shard.open(HADOOP)) {
          reader.forEachRemaining(samples::add);
        }
      }
    }
    return samples;
  }

  /** The index's rows by source. */
  static Map<String, Row> index(SparkSession spark, Path dataset) {
    Map<String, Row> rows = new HashMap<>();
    String[] files = open(dataset).indexPaths().toArray(String[]::new);
    for (Row row : spark.read().parquet(files).collectAsList()) {
      rows.put(row.getAs("source"), row);
    }
    return rows;
  }

  /** The row of a picture by the path below its corpus. */
  static Row row(SparkSession spark, Path dataset, Path source) {
    return index(spark, dataset).get(source.toString());
  }

  /** {@code accepted}, or the reason. */
  static String outcome(Row row) {
    String status = row.getAs("status");
    return status.equals("accepted") ? status : row.getAs("reason");
  }

  /** Names and hashes of all files below a folder. */
  static Map<String, String> contents(Path folder) throws Exception {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
        contents.put(folder.relativize(file).toString(), HexFormat.of().formatHex(hash));
      }
    }
    return contents;
  }

  /** What a dataset's directory should hold. */
  static Set<String> listed(Path dataset, String... more) {
    Set<String> listed = new HashSet<>(open(dataset).manifest().paths());
    listed.add(DatasetManifest.FILE);
    listed.addAll(List.of(more));
    return listed;
  }

  static void copy(Path from, Path to) throws IOException {
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
}

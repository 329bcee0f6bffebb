package org.talespark.data.prepare;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.floor;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.log2;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.xxhash64;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;

/**
 * What a committed dataset looks like, for people.
 *
 * @param manifest counts by status, reason and split, and the settings
 * @param sides the shorter sides of the originals whose size is known, in pixels
 * @param captionLengths the first captions of accepted rows, in characters
 * @param pictures some accepted pictures, the same for the same dataset and seed
 * @param rejected some rejected rows of every reason
 */
public record PrepareSummary(
    DatasetManifest manifest,
    List<Bin> sides,
    List<Bin> captionLengths,
    List<SamplePicture> pictures,
    List<RejectedRow> rejected) {

  /** Values from {@code from} to below {@code to}, and how many there are. */
  public record Bin(long from, long to, long count) {}

  /** A rejected row; {@code detail} is what it is a copy of, its size or its caption; or empty. */
  public record RejectedRow(String source, String reason, String detail) {}

  private static final int MOST_PICTURES = 48;
  private static final int MOST_SHARDS = 12;
  private static final int MOST_OF_A_REASON = 5;
  private static final int CAPTION_BINS = 20;
  private static final int MOST_CHARACTERS = 120;

  public PrepareSummary {
    sides = List.copyOf(sides);
    captionLengths = List.copyOf(captionLengths);
    pictures = List.copyOf(pictures);
    rejected = List.copyOf(rejected);
  }

  /**
   * Looks at a dataset.
   *
   * @param seed chooses the samples
   */
  public static PrepareSummary of(SparkSession spark, Dataset dataset, long seed) {
    var index =
        spark.read().schema(IndexRow.SCHEMA).parquet(dataset.indexPaths().toArray(String[]::new));
    var accepted = index.where(col("status").equalTo(IndexRow.ACCEPTED));
    return new PrepareSummary(
        dataset.manifest(),
        sides(index),
        captionLengths(accepted),
        pictures(spark, dataset, accepted, seed),
        rejected(index, seed));
  }

  /** Bins from one power of two to the next. */
  private static List<Bin> sides(org.apache.spark.sql.Dataset<Row> index) {
    Column side = least(col("width"), col("height"));
    List<Row> rows =
        index
            .where(side.geq(1))
            .groupBy(floor(log2(side)).cast("int").alias("power"))
            .count()
            .orderBy("power")
            .collectAsList();
    List<Bin> bins = new ArrayList<>();
    for (Row row : rows) {
      int power = row.getInt(0);
      int next =
          bins.isEmpty() ? power : Long.numberOfTrailingZeros(bins.get(bins.size() - 1).to());
      for (int gap = next; gap < power; gap++) {
        bins.add(new Bin(1L << gap, 2L << gap, 0));
      }
      bins.add(new Bin(1L << power, 2L << power, row.getLong(1)));
    }
    return bins;
  }

  /** Equal bins up to where 99 of 100 captions end; the last one holds the longer ones too. */
  private static List<Bin> captionLengths(org.apache.spark.sql.Dataset<Row> accepted) {
    Column characters = length(col("caption"));
    Row most =
        accepted.agg(expr("percentile_approx(length(caption), 0.99)")).collectAsList().get(0);
    if (most.isNullAt(0)) {
      return List.of();
    }
    int width = Math.max(1, (most.getInt(0) + CAPTION_BINS) / CAPTION_BINS);
    long[] counts = new long[CAPTION_BINS];
    List<Row> rows =
        accepted
            .groupBy(
                least(floor(characters.divide(width)), lit(CAPTION_BINS - 1))
                    .cast("int")
                    .alias("bin"))
            .count()
            .collectAsList();
    rows.forEach(row -> counts[row.getInt(0)] = row.getLong(1));
    List<Bin> bins = new ArrayList<>();
    for (int i = 0; i < CAPTION_BINS; i++) {
      bins.add(new Bin((long) i * width, (i + 1L) * width, counts[i]));
    }
    return bins;
  }

  /** Takes them from a few shards, since a shard has to be read to find one of its pictures. */
  private static List<SamplePicture> pictures(
      SparkSession spark, Dataset dataset, org.apache.spark.sql.Dataset<Row> accepted, long seed) {
    List<String> shards =
        new ArrayList<>(
            dataset.manifest().shards().stream()
                .map(DatasetManifest.ShardEntry::path)
                .sorted(Comparator.comparing(path -> Keys.shuffled(path, seed)))
                .limit(MOST_SHARDS)
                .toList());
    Column order = xxhash64(col("key"), lit(seed));
    List<Row> rows =
        accepted
            .where(col("shard").isin(shards.toArray()))
            .select("shard", "key")
            .orderBy(order, col("key"))
            .limit(MOST_PICTURES)
            .collectAsList();
    return SamplePicture.read(spark, dataset, rows);
  }

  private static List<RejectedRow> rejected(org.apache.spark.sql.Dataset<Row> index, long seed) {
    Column order = xxhash64(col("source"), lit(seed));
    Column size = concat(col("width"), lit(" x "), col("height"), lit(" pixels"));
    return index
        .where(col("status").equalTo(IndexRow.REJECTED))
        .withColumn(
            "number", row_number().over(Window.partitionBy("reason").orderBy(order, col("source"))))
        .where(col("number").leq(MOST_OF_A_REASON))
        .select(
            col("source"),
            col("reason"),
            coalesce(
                    expr("'copy of ' || coalesce(duplicate_of, near_duplicate_of)"),
                    size,
                    expr("left(caption, %d)".formatted(MOST_CHARACTERS)),
                    lit(""))
                .alias("detail"))
        .orderBy("reason", "source")
        .collectAsList()
        .stream()
        .map(row -> new RejectedRow(row.getString(0), row.getString(1), row.getString(2)))
        .toList();
  }
}

package org.talespark.data.tokenizer;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.octet_length;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.sum;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.ObjLongConsumer;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Split;

/**
 * How often each word occurs in the captions of a dataset's training samples, counted by Spark. All
 * captions of a sample count.
 */
final class WordCounts implements AutoCloseable {

  /**
   * Bounds of what the driver takes.
   *
   * @param words distinct words
   * @param bytes of all distinct words
   */
  record Limits(long words, long bytes) {
    /**
     * About 400 MB of heap with all pairs, which a driver of 1 GiB has; the same on any machine.
     */
    static Limits defaults() {
      return new Limits(1_000_000, 12_000_000);
    }
  }

  /**
   * What was counted and what the driver takes of it.
   *
   * @param distinct different words
   * @param leastCount words that occur less often are left out; 1 when all fit
   */
  record Totals(long words, long distinct, long leastCount) {}

  private final Dataset<Row> counts;

  private WordCounts(Dataset<Row> counts) {
    this.counts = counts;
  }

  /** Captions of the training samples, one a row, and how many there are. */
  record TrainingCaptions(Dataset<String> rows, long count) {}

  /** Finds the captions in the dataset's index. */
  static TrainingCaptions captions(org.talespark.data.dataset.Dataset dataset, SparkSession spark) {
    Dataset<Row> index = spark.read().parquet(dataset.indexPaths().toArray(String[]::new));
    Dataset<Row> train =
        index.where(col("status").equalTo("accepted").and(col("split").equalTo(Split.TRAIN.id())));
    boolean several = Arrays.asList(index.columns()).contains("captions");
    Column captions = several ? size(col("captions")) : lit(1);
    Row counted = train.agg(count(lit(1)), coalesce(sum(captions), lit(0)).cast("long")).first();
    if (counted.getLong(0) != dataset.samples(Split.TRAIN)) {
      throw new BadInputException(
          "Cannot train tokenizer: dataset=%s has %d training rows in its index, expected %d; try preparing it again"
              .formatted(dataset.uri(), counted.getLong(0), dataset.samples(Split.TRAIN)));
    }
    return new TrainingCaptions(
        train.select(several ? explode(col("captions")) : col("caption")).as(Encoders.STRING()),
        counted.getLong(1));
  }

  /** Counts the words; the counts stay cached until this is closed. */
  static WordCounts of(Dataset<String> captions) {
    Dataset<Row> counts =
        captions
            .flatMap((FlatMapFunction<String, String>) WordCounts::words, Encoders.STRING())
            .toDF("word")
            .groupBy("word")
            .agg(count(lit(1)).as("n"));
    return new WordCounts(counts.persist(StorageLevel.MEMORY_AND_DISK()));
  }

  private static Iterator<String> words(String caption) {
    return PreTokenizer.words(caption).iterator();
  }

  /**
   * Finds how many of the most frequent words fit; words of one count are taken all or not at all,
   * so the choice does not depend on their order.
   */
  Totals totals(Limits limits) {
    List<Row> byCount =
        counts
            .groupBy("n")
            .agg(count(lit(1)).as("words"), sum(octet_length(col("word"))).as("bytes"))
            .orderBy(col("n").desc())
            .collectAsList();
    long words = 0;
    long distinct = 0;
    long bytes = 0;
    long least = 1;
    boolean full = false;
    long previous = 1;
    for (Row row : byCount) {
      distinct += row.getLong(1);
      bytes += row.getLong(2);
      words += row.getLong(0) * row.getLong(1);
      if (!full && (distinct > limits.words() || bytes > limits.bytes())) {
        full = true;
        least = previous;
      }
      previous = row.getLong(0);
    }
    return new Totals(words, distinct, least);
  }

  /** Hands over the words that occur at least so often, one by one. */
  void forEach(long leastCount, ObjLongConsumer<String> consumer) {
    Iterator<Row> rows = counts.where(col("n").geq(leastCount)).toLocalIterator();
    while (rows.hasNext()) {
      Row row = rows.next();
      consumer.accept(row.getString(0), row.getLong(1));
    }
  }

  @Override
  public void close() {
    counts.unpersist();
  }
}

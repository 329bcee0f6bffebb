package org.talespark.data.prepare;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.first;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;

import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.expressions.WindowSpec;
import org.apache.spark.sql.types.DataTypes;
import org.talespark.data.Reason;
import org.talespark.data.dedup.BestCopies;
import org.talespark.data.dedup.NearDuplicates;

/**
 * The second stage: what can only be said of all rows together. Blocked pictures first, then keys,
 * then exact and near duplicates; a row that has a reason is out of all that follows.
 *
 * <p>The rows of a dataset that is added to take part as they are: they come first everywhere and
 * are never judged again.
 */
final class Judge {

  private static final UserDefinedFunction DIGESTED =
      udf((UDF2<String, String, String>) Keys::digested, DataTypes.StringType);

  /** A source without its extension: what is equal for two pictures that are one sample. */
  private static final String STEM_OF_SOURCE = "regexp_replace(source, '[.][^./#]*$', '')";

  private final PrepareConfig config;
  private final Store store;

  /** Keeps a stage's rows, so that they are worked out once. */
  @FunctionalInterface
  interface Store {
    Dataset<Row> keep(String name, Dataset<Row> rows);
  }

  Judge(PrepareConfig config, Store store) {
    this.config = config;
    this.store = store;
  }

  /**
   * Judges.
   *
   * @param examined {@link ExaminedRow#SCHEMA}
   * @param blocked SHA-256 hashes in the column {@code hash}, distinct; empty for none
   * @param known accepted rows of the dataset that is added to, as in its index; empty for none
   * @return {@code id}, {@code key}, {@code reason} (null for accepted rows), {@code duplicate_of},
   *     {@code near_duplicate_of}
   */
  Dataset<Row> verdicts(
      Dataset<Row> examined, Optional<Dataset<Row>> blocked, Optional<Dataset<Row>> known) {
    Dataset<Row> rows =
        examined.select(
            col("id"),
            col("base"),
            col("stem"),
            col("source"),
            col("sha256"),
            col("examined").alias("reason"),
            area(),
            longest("own_captions"),
            col("phash"),
            col("thumbnail"));
    if (blocked.isPresent()) {
      rows = rows.join(blocked.get(), col("sha256").equalTo(col("hash")), "left_outer");
      rows = reject(rows, col("hash").isNotNull(), Reason.BLOCKED).drop("hash");
    }
    rows = keyed(rows, known);
    if (config.dedup() == Dedup.NONE) {
      return result(with(rows, "duplicate_of", "near_duplicate_of"));
    }
    rows = rows.withColumn("old", lit(false));
    if (known.isPresent()) {
      rows = rows.unionByName(old(known.get()));
    }
    rows = exact(rows);
    if (config.dedup() == Dedup.EXACT) {
      return result(with(rows, "near_duplicate_of"));
    }
    return result(near(store.keep("judged", rows)));
  }

  private static Dataset<Row> old(Dataset<Row> known) {
    return known.select(
        lit(null).cast("long").alias("id"),
        col("key"),
        col("source"),
        col("sha256"),
        lit(null).cast("string").alias("reason"),
        area(),
        longest("captions"),
        col("phash"),
        col("thumbnail"),
        lit(true).alias("old"));
  }

  private static Dataset<Row> result(Dataset<Row> rows) {
    return rows.where(col("id").isNotNull())
        .select("id", "key", "reason", "duplicate_of", "near_duplicate_of");
  }

  private static Dataset<Row> with(Dataset<Row> rows, String... missing) {
    Dataset<Row> result = rows;
    for (String column : missing) {
      result = result.withColumn(column, lit(null).cast("string"));
    }
    return result;
  }

  private static Dataset<Row> reject(Dataset<Row> rows, Column which, Reason why) {
    return rows.withColumn(
        "reason", when(col("reason").isNull().and(which), why.id()).otherwise(col("reason")));
  }

  private static Column area() {
    return coalesce(col("width").cast("long").multiply(col("height")), lit(0L)).alias("area");
  }

  private static Column longest(String captions) {
    return expr("coalesce(array_max(transform(%s, c -> length(c))), 0)".formatted(captions))
        .alias("longest");
  }

  /**
   * Gives keys. Different stems that share one all get a digest of their stem; of several pictures
   * with the same stem the first usable one by source keeps the key.
   */
  private static Dataset<Row> keyed(Dataset<Row> rows, Optional<Dataset<Row>> known) {
    Dataset<Row> shared =
        rows.groupBy("base")
            .agg(min("stem").alias("least"), max("stem").alias("most"))
            .where(col("least").notEqual(col("most")))
            .select(col("base").alias("shared"));
    Dataset<Row> keyed =
        rows.join(shared, col("base").equalTo(col("shared")), "left_outer")
            .withColumn(
                "key",
                when(col("shared").isNotNull(), DIGESTED.apply(col("base"), col("stem")))
                    .otherwise(col("base")));
    if (known.isPresent()) {
      keyed = besides(keyed, known.get());
    }
    WindowSpec same =
        Window.partitionBy(col("key"), col("reason").isNull()).orderBy(col("source"), col("id"));
    keyed = keyed.withColumn("place", row_number().over(same));
    return reject(keyed, col("place").gt(1), Reason.DUPLICATE_KEY)
        .select("id", "key", "source", "sha256", "reason", "area", "longest", "phash", "thumbnail");
  }

  /** Keeps clear of the keys of a dataset, whose samples cannot get other ones. */
  private static Dataset<Row> besides(Dataset<Row> rows, Dataset<Row> known) {
    Column stem = expr(STEM_OF_SOURCE);
    Dataset<Row> taken = known.select(col("key").alias("taken"), stem.alias("taken_by"));
    Dataset<Row> met =
        rows.join(taken, col("key").equalTo(col("taken")), "left_outer")
            .withColumn("again", col("taken_by").equalTo(stem));
    Column other = col("taken").isNotNull().and(col("again").equalTo(false));
    Dataset<Row> keyed =
        met.withColumn("key", when(other, DIGESTED.apply(col("base"), stem)).otherwise(col("key")));
    return reject(keyed, coalesce(col("again"), lit(false)), Reason.DUPLICATE_KEY);
  }

  /** Keeps, of files of the same bytes, the one with the longest caption, then the first by key. */
  private static Dataset<Row> exact(Dataset<Row> rows) {
    Column slot =
        when(col("reason").isNull(), col("sha256")).otherwise(concat(lit("!"), col("key")));
    WindowSpec same =
        Window.partitionBy(slot).orderBy(col("old").desc(), col("longest").desc(), col("key"));
    Dataset<Row> ranked =
        rows.withColumn("place", row_number().over(same))
            .withColumn("kept", first("key").over(same));
    Column copy = col("reason").isNull().and(col("place").gt(1));
    ranked = ranked.withColumn("duplicate_of", when(copy, col("kept")));
    return reject(ranked, copy, Reason.DUPLICATE).drop("place", "kept");
  }

  /** Keeps, of pictures that look the same, the largest, then as above; see {@link BestCopies}. */
  private Dataset<Row> near(Dataset<Row> rows) {
    Dataset<Row> pictures =
        rows.where(col("reason").isNull())
            .select(
                col("key").alias("id"),
                col("old").alias("fixed"),
                col("area"),
                col("longest"),
                col("phash"),
                col("thumbnail"));
    Dataset<Row> groups = NearDuplicates.groups(pictures, config.maxHashDistance());
    WindowSpec best =
        Window.partitionBy("group")
            .orderBy(col("fixed").desc(), col("area").desc(), col("longest").desc(), col("id"));
    Dataset<Row> members = pictures.join(groups, "id").withColumn("place", row_number().over(best));
    Dataset<Row> copies = BestCopies.of(members, config.maxHashDistance());
    Dataset<Row> found =
        rows.join(copies, col("key").equalTo(col("copy")).and(col("reason").isNull()), "left_outer")
            .withColumnRenamed("kept", "near_duplicate_of");
    return reject(found, col("near_duplicate_of").isNotNull(), Reason.NEAR_DUPLICATE);
  }
}

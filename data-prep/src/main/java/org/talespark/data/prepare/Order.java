package org.talespark.data.prepare;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;

import java.util.Arrays;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.talespark.data.dataset.Split;

/**
 * The third stage: all rows in the one order that shards and index have, numbered. Accepted rows
 * come first, split after split, by key or in a seeded order; rejected ones follow by key and
 * source. The order is total, so that it depends on the rows alone.
 */
final class Order {

  private Order() {}

  /**
   * Joins what the first two stages found, and numbers it.
   *
   * @return the columns of {@link ExaminedRow#SCHEMA} but {@code base} and {@code stem}, and {@code
   *     key}, {@code reason}, {@code duplicate_of}, {@code near_duplicate_of}, {@code captions},
   *     {@code split} (null for rejected rows), {@code position}
   */
  static Dataset<Row> of(
      SparkSession spark, Dataset<Row> examined, Dataset<Row> verdicts, PrepareConfig config) {
    Dataset<Row> judged = examined.drop("base", "stem", "examined").join(verdicts, "id");
    double validation = config.validation();
    double test = config.test();
    UserDefinedFunction split =
        udf(
            (UDF1<String, String>) key -> Keys.split(key, validation, test).id(),
            DataTypes.StringType);
    Column accepted = col("reason").isNull();
    Dataset<Row> placed =
        (hasCopies(verdicts)
                ? merged(judged, accepted)
                : judged.withColumnRenamed("own_captions", "captions"))
            .withColumn("split", when(accepted, split.apply(col("key"))))
            .withColumn("section", section())
            .withColumn("place", place(config, accepted))
            .orderBy("section", "place", "key", "source", "id")
            .drop("section", "place");
    StructType schema = placed.schema().add("position", DataTypes.LongType, false);
    JavaRDD<Row> numbered =
        placed.toJavaRDD().zipWithIndex().map(row -> append(row._1(), row._2()));
    return spark.createDataFrame(numbered, schema);
  }

  private static boolean hasCopies(Dataset<Row> verdicts) {
    return !verdicts
        .where(coalesce(col("duplicate_of"), col("near_duplicate_of")).isNotNull())
        .isEmpty();
  }

  private static Dataset<Row> merged(Dataset<Row> judged, Column accepted) {
    return judged
        .join(
            MergedCaptions.of(judged), col("key").equalTo(col("kept")).and(accepted), "left_outer")
        .withColumn("captions", coalesce(col("merged"), col("own_captions")))
        .drop("kept", "merged", "own_captions");
  }

  /** Splits in their order, rejected rows behind them. */
  private static Column section() {
    Split[] splits = Split.values();
    Column section = lit(splits.length);
    for (int i = 0; i < splits.length; i++) {
      section = when(col("split").equalTo(splits[i].id()), i).otherwise(section);
    }
    return section;
  }

  private static Column place(PrepareConfig config, Column accepted) {
    if (config.shuffleSeed() == null) {
      return lit("");
    }
    long seed = config.shuffleSeed();
    UserDefinedFunction shuffled =
        udf((UDF1<String, String>) key -> Keys.shuffled(key, seed), DataTypes.StringType);
    return when(accepted, shuffled.apply(col("key"))).otherwise(lit(""));
  }

  private static Row append(Row row, long position) {
    Object[] values = new Object[row.length() + 1];
    Arrays.setAll(values, i -> i < row.length() ? row.get(i) : position);
    return RowFactory.create(values);
  }
}

package org.talespark.data.prepare;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.struct;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.expressions.Window;

/**
 * Gives the captions of dropped copies to the picture that was kept: its own first, then the
 * others' by key, each caption once.
 */
final class MergedCaptions {

  /** A placeholder picture can have a million copies; nobody wants all that was said of it. */
  static final int MOST = 100;

  private MergedCaptions() {}

  /**
   * Merges.
   *
   * @param judged the verdicts with {@code own_captions}
   * @return {@code kept} (a key) and {@code merged}, at most 100 captions, for each accepted row
   *     with copies
   */
  static Dataset<Row> of(Dataset<Row> judged) {
    Dataset<Row> near =
        judged
            .where(col("near_duplicate_of").isNotNull())
            .select(col("key").alias("through"), col("near_duplicate_of").alias("finally"));
    // the kept one of identical files can itself look like a better one
    Dataset<Row> copies =
        judged
            .where(coalesce(col("duplicate_of"), col("near_duplicate_of")).isNotNull())
            .join(near, col("duplicate_of").equalTo(col("through")), "left_outer")
            .select(
                coalesce(col("finally"), col("near_duplicate_of"), col("duplicate_of"))
                    .alias("kept"),
                lit(1).alias("other"),
                col("key"),
                col("own_captions"));
    Dataset<Row> keepers =
        judged
            .where(col("reason").isNull())
            .join(
                copies.select(col("kept").alias("wanted")).distinct(),
                col("key").equalTo(col("wanted")))
            .select(
                col("key").alias("kept"), lit(0).alias("other"), col("key"), col("own_captions"));
    Dataset<Row> captions =
        keepers
            .unionByName(copies)
            .select(
                col("kept"),
                col("other"),
                col("key"),
                expr("posexplode(own_captions) as (pos, caption)"))
            .groupBy("kept", "caption")
            .agg(min(struct("other", "key", "pos")).alias("place"))
            .withColumn(
                "number", row_number().over(Window.partitionBy("kept").orderBy("place", "caption")))
            .where(col("number").leq(MOST));
    return captions
        .groupBy("kept")
        .agg(
            expr("transform(array_sort(collect_list(struct(number, caption))), c -> c.caption)")
                .alias("merged"));
  }
}

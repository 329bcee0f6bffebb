package org.talespark.data.dedup;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Groups pictures that are nearly the same: connected components of the relation {@link
 * Fingerprint#near}. The result depends on the rows alone, not on their order or partitions.
 *
 * <p>Equal fingerprints become one first, so a million copies of a blank page cost no more than a
 * grouping. The rest is compared within buckets of equal hash bands ({@link Bands}), which miss no
 * pair, and the pairs found are connected by {@link ConnectedComponents}.
 */
public final class NearDuplicates {

  private static final StructType BANDS =
      new StructType()
          .add("band", DataTypes.IntegerType, false)
          .add("bits", DataTypes.LongType, false)
          .add("light", DataTypes.IntegerType, false)
          .add("node", DataTypes.StringType, false)
          .add("phash", DataTypes.LongType, false)
          .add("thumbnail", DataTypes.BinaryType, false);

  private NearDuplicates() {}

  /**
   * Finds the groups. Runs Spark jobs before it returns; the result itself is evaluated by its
   * user, and keeps what it needs in the executors' memory or on their disks until then.
   *
   * @param pictures columns {@code id} (string, unique), {@code phash} (long) and {@code thumbnail}
   *     (binary, {@link Fingerprint#THUMBNAIL_BYTES}); read more than once
   * @param maxDistance bits in which the hashes of near duplicates may differ, 0 to 8; each one
   *     more means another band to shuffle and larger buckets to compare
   * @return columns {@code id} and {@code group}: the smallest id of its component, in the order of
   *     UTF-8 bytes; only rows of components of two or more
   */
  public static Dataset<Row> groups(Dataset<Row> pictures, int maxDistance) {
    Bands.check(maxDistance);
    Dataset<Row> rows = pictures.select("id", "phash", "thumbnail");
    Dataset<Row> nodes =
        rows.groupBy("phash", "thumbnail").agg(min("id").as("node"), count(lit(1)).as("copies"));
    Dataset<Row> components = ConnectedComponents.of(pairs(nodes, maxDistance)).table();
    Dataset<Row> grouped =
        nodes
            .join(components, col("node").equalTo(col("member")), "left")
            .where(col("copies").gt(1).or(col("component").isNotNull()))
            .select(
                col("phash").as("node_phash"),
                col("thumbnail").as("node_thumbnail"),
                coalesce(col("component"), col("node")).as("group"));
    return rows.join(
            grouped,
            col("phash")
                .equalTo(col("node_phash"))
                .and(col("thumbnail").equalTo(col("node_thumbnail"))))
        .select("id", "group");
  }

  /** Pairs {@code (a, b)} of nodes that connect all near duplicates. */
  private static Dataset<Row> pairs(Dataset<Row> nodes, int maxDistance) {
    return nodes
        .select("node", "phash", "thumbnail")
        .flatMap(
            (FlatMapFunction<Row, Row>) node -> banded(node, maxDistance + 1), Encoders.row(BANDS))
        .repartition(col("band"), col("bits"))
        .sortWithinPartitions("band", "bits", "light", "node")
        .mapPartitions(
            (MapPartitionsFunction<Row, Row>) bucketed -> new BucketSweep(bucketed, maxDistance),
            Encoders.row(ConnectedComponents.PAIRS));
  }

  private static Iterator<Row> banded(Row node, int bands) {
    byte[] thumbnail = node.getAs(2);
    Thumbnails.check(thumbnail);
    int light = Thumbnails.sum(thumbnail);
    long phash = node.getLong(1);
    List<Row> rows = new ArrayList<>(bands);
    for (int band = 0; band < bands; band++) {
      rows.add(
          RowFactory.create(
              band, Bands.bits(phash, band, bands), light, node.getString(0), phash, thumbnail));
    }
    return rows.iterator();
  }
}

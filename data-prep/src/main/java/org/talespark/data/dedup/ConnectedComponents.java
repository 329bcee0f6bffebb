package org.talespark.data.dedup;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.struct;

import java.util.Iterator;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.LongAccumulator;

/**
 * Connected components of a graph given by its edges, by the alternating algorithm of Kiveris,
 * Lattanzi, Mirrokni, Rastogi and Vassilvitskii, "Connected Components in MapReduce and Beyond"
 * (SoCC 2014): large-star and small-star operations in turn, until all edges are stars around the
 * smallest node of their component. The number of rounds grows with the logarithm of the longest
 * path; a task streams over the sorted edges of its nodes, so a star of any size fits.
 *
 * <p>Each round is cached and becomes a plan of its own, so that plans do not grow; a lost
 * executor's part of it is computed again from the round before.
 */
final class ConnectedComponents {

  /** The schema of the edges. */
  static final StructType PAIRS =
      new StructType().add("a", DataTypes.StringType, false).add("b", DataTypes.StringType, false);

  private static final int EDGES_A_PARTITION = 100_000;
  private static final int MOST_ROUNDS = 200;

  /**
   * The components.
   *
   * @param table columns {@code member} and {@code component}, its smallest node in the order of
   *     UTF-8 bytes; one row for each node of an edge
   * @param rounds how many it took
   */
  record Result(Dataset<Row> table, int rounds) {}

  private ConnectedComponents() {}

  /** Components of the graph with these edges, of schema {@link #PAIRS}; loops are ignored. */
  static Result of(Dataset<Row> edges) {
    SparkSession spark = edges.sparkSession();
    JavaRDD<Row> current = kept(edges);
    long count = current.count();
    int round = 0;
    while (count > 0) {
      round++;
      if (round > MOST_ROUNDS) {
        throw new IllegalStateException(
            "Cannot connect near duplicates: not done after %d rounds, edges=%d"
                .formatted(MOST_ROUNDS, count));
      }
      LongAccumulator changes = spark.sparkContext().longAccumulator("changed edges");
      int partitions = partitions(spark, count);
      Dataset<Row> large = star(spark.createDataFrame(current, PAIRS), true, partitions, changes);
      JavaRDD<Row> next = kept(star(large, false, partitions, changes));
      count = next.count();
      current.unpersist(false);
      current = next;
      // of a task that ran twice both runs count, but a graph of stars counts nothing at all
      if (changes.value() == 0) {
        break;
      }
    }
    return new Result(members(spark.createDataFrame(current, PAIRS)), round);
  }

  private static JavaRDD<Row> kept(Dataset<Row> edges) {
    return edges.javaRDD().persist(StorageLevel.MEMORY_AND_DISK());
  }

  private static int partitions(SparkSession spark, long edges) {
    int most = Integer.parseInt(spark.conf().get("spark.sql.shuffle.partitions"));
    return (int) Math.max(1, Math.min(most, edges / EDGES_A_PARTITION + 1));
  }

  /** Edges are (leaf, centre) in the end; the centre is a member too. */
  private static Dataset<Row> members(Dataset<Row> stars) {
    Column leaf = struct(col("a").as("member"), col("b").as("component"));
    Column centre = struct(col("b").as("member"), col("b").as("component"));
    return stars.select(explode(array(leaf, centre)).as("row")).select("row.*").distinct();
  }

  /**
   * One operation. Large: each node's larger neighbours are connected to the smallest of it and its
   * neighbours. Small: each node and its smaller neighbours are connected to the smallest of them;
   * its input has the larger node of each edge first. Both leave the larger node of each edge
   * first.
   */
  private static Dataset<Row> star(
      Dataset<Row> edges, boolean large, int partitions, LongAccumulator changes) {
    Dataset<Row> directed = edges;
    if (large) {
      Column there = struct(col("a"), col("b"));
      Column back = struct(col("b").as("a"), col("a").as("b"));
      directed =
          edges
              .where(col("a").notEqual(col("b")))
              .select(explode(array(there, back)).as("edge"))
              .select("edge.*");
    }
    return directed
        .repartition(partitions, col("a"))
        .sortWithinPartitions("a", "b")
        .mapPartitions(
            (MapPartitionsFunction<Row, Row>) rows -> stars(rows, large, changes),
            Encoders.row(PAIRS));
  }

  private static Iterator<Row> stars(Iterator<Row> rows, boolean large, LongAccumulator changes) {
    return large ? new LargeStar(rows, changes) : new SmallStar(rows, changes);
  }
}

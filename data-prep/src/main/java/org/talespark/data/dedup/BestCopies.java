package org.talespark.data.dedup;

import static org.apache.spark.sql.functions.col;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Chooses which pictures of a group of {@link NearDuplicates} are kept. A group can be a long chain
 * of small steps, such as a star of every number of points, whose ends have nothing in common; so a
 * picture is only dropped for one that it is itself a near duplicate of.
 *
 * <p>The best picture of a group is kept. Going on from better to worse, a picture is a copy of the
 * best one kept so far that it is near, and kept itself when there is none.
 */
public final class BestCopies {
  private static final StructType COPIES =
      new StructType()
          .add("copy", DataTypes.StringType, false)
          .add("kept", DataTypes.StringType, false);

  private BestCopies() {}

  /**
   * Finds the copies.
   *
   * @param members columns {@code id}, {@code group}, {@code place} (int, unique in its group, best
   *     first), {@code fixed} (boolean: kept whatever else there is), {@code phash} and {@code
   *     thumbnail}
   * @param maxDistance as the groups were made with
   * @return {@code copy} and {@code kept}, both ids
   */
  public static Dataset<Row> of(Dataset<Row> members, int maxDistance) {
    return members
        .select("id", "group", "place", "fixed", "phash", "thumbnail")
        .repartition(col("group"))
        .sortWithinPartitions("group", "place")
        .mapPartitions(
            (MapPartitionsFunction<Row, Row>) rows -> new Sweep(rows, maxDistance),
            Encoders.row(COPIES));
  }

  /** Goes through groups, one behind another; holds the kept pictures of one. */
  private static final class Sweep implements Iterator<Row> {
    private record Kept(String id, Fingerprint fingerprint) {}

    private final Iterator<Row> rows;
    private final int maxDistance;
    private final List<Kept> kept = new ArrayList<>();
    private String group;
    private Row next;

    Sweep(Iterator<Row> rows, int maxDistance) {
      this.rows = rows;
      this.maxDistance = maxDistance;
    }

    @Override
    public boolean hasNext() {
      while (next == null && rows.hasNext()) {
        next = copy(rows.next());
      }
      return next != null;
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Row found = next;
      next = null;
      return found;
    }

    /** The copy that a row is, or null when it is kept. */
    private Row copy(Row row) {
      if (!row.<String>getAs("group").equals(group)) {
        group = row.getAs("group");
        kept.clear();
      }
      String id = row.getAs("id");
      Fingerprint found = new Fingerprint(row.<Long>getAs("phash"), row.getAs("thumbnail"));
      if (!row.<Boolean>getAs("fixed")) {
        for (Kept better : kept) {
          if (better.fingerprint().near(found, maxDistance)) {
            return RowFactory.create(id, better.id());
          }
        }
      }
      kept.add(new Kept(id, found));
      return null;
    }
  }
}

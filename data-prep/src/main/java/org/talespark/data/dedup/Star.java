package org.talespark.data.dedup;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.util.LongAccumulator;

/**
 * Streams over edges {@code (node, neighbour)} sorted by both, in the order of UTF-8 bytes, and
 * gives edges {@code (larger, smaller)}. Equal edges count once.
 */
abstract class Star implements Iterator<Row> {

  private final Iterator<Row> rows;
  private final LongAccumulator changes;
  private String node;
  private String neighbour;
  private String first;
  private Row next;

  Star(Iterator<Row> rows, LongAccumulator changes) {
    this.rows = rows;
    this.changes = changes;
  }

  /**
   * The edge that takes the place of {@code (node, neighbour)}, or null for none.
   *
   * @param first the smallest neighbour of the node
   */
  abstract Row edge(String node, String neighbour, String first);

  final Row unchanged(String larger, String smaller) {
    return RowFactory.create(larger, smaller);
  }

  final Row changed(String larger, String smaller) {
    changes.add(1);
    return RowFactory.create(larger, smaller);
  }

  @Override
  public final boolean hasNext() {
    while (next == null && rows.hasNext()) {
      Row row = rows.next();
      String from = row.getString(0);
      String to = row.getString(1);
      if (!from.equals(node)) {
        node = from;
        first = to;
      } else if (to.equals(neighbour)) {
        continue;
      }
      neighbour = to;
      next = edge(node, neighbour, first);
    }
    return next != null;
  }

  @Override
  public final Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Row row = next;
    next = null;
    return row;
  }

  /** Strings in the order of their UTF-8 bytes, which is that of code points, and Spark's. */
  static int compare(String a, String b) {
    int length = Math.min(a.length(), b.length());
    for (int i = 0; i < length; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean above = Character.isSurrogate(x);
        return above == Character.isSurrogate(y) ? x - y : above ? 1 : -1;
      }
    }
    return a.length() - b.length();
  }
}

package org.talespark.data.dedup;

import java.util.Iterator;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/** Connects a node's larger neighbours to the smallest of the node and all its neighbours. */
final class LargeStar extends Star {

  LargeStar(Iterator<Row> rows, LongAccumulator changes) {
    super(rows, changes);
  }

  @Override
  Row edge(String node, String neighbour, String first) {
    if (compare(neighbour, node) < 0) {
      return null;
    }
    return compare(first, node) < 0 ? changed(neighbour, first) : unchanged(neighbour, node);
  }
}

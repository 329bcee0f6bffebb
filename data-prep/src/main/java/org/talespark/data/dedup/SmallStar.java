package org.talespark.data.dedup;

import java.util.Iterator;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/** Connects a node and its neighbours, all smaller, to the smallest of them. */
final class SmallStar extends Star {

  SmallStar(Iterator<Row> rows, LongAccumulator changes) {
    super(rows, changes);
  }

  @Override
  Row edge(String node, String neighbour, String first) {
    return neighbour.equals(first) ? unchanged(node, first) : changed(neighbour, first);
  }
}

package org.talespark.zoo.search;

import java.util.ArrayList;
import java.util.List;

/** The best K rows of one query so far, in order. */
final class TopHits {
  private final long[] rows;
  private final double[] scores;
  private int size;

  /**
   * Has none yet.
   *
   * @param most K
   */
  TopHits(int most) {
    this.rows = new long[most];
    this.scores = new double[most];
  }

  /** The score that a row must have at least to get in; minus infinity while there is room. */
  double least() {
    return size < rows.length ? Double.NEGATIVE_INFINITY : scores[size - 1];
  }

  /** Takes a row if it is among the best; says whether it is. */
  boolean offer(long row, double score) {
    if (size == rows.length && !ahead(row, score, size - 1)) {
      return false;
    }
    int at = size < rows.length ? size++ : size - 1;
    while (at > 0 && ahead(row, score, at - 1)) {
      rows[at] = rows[at - 1];
      scores[at] = scores[at - 1];
      at--;
    }
    rows[at] = row;
    scores[at] = score;
    return true;
  }

  private boolean ahead(long row, double score, int other) {
    return score > scores[other] || (score == scores[other] && row < rows[other]);
  }

  List<Hit> hits() {
    List<Hit> hits = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      hits.add(new Hit(rows[i], scores[i]));
    }
    return hits;
  }
}

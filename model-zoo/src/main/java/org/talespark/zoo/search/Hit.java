package org.talespark.zoo.search;

import java.io.Serializable;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * A row that was found.
 *
 * @param row its number
 * @param score its product with the query, in double
 */
public record Hit(long row, double score) implements Serializable {
  /** The highest score first; of equal scores the lower row. */
  static final Comparator<Hit> ORDER =
      Comparator.comparingDouble(Hit::score).reversed().thenComparingLong(Hit::row);

  /** The first {@code count} of these in order, as where several searched parts of the rows. */
  public static List<Hit> best(Collection<Hit> hits, int count) {
    return hits.stream().sorted(ORDER).limit(count).toList();
  }
}

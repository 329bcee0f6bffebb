package org.talespark.jobs.evaluate;

import java.util.List;
import java.util.Set;
import org.apache.spark.api.java.JavaRDD;

/** Says what is in pictures. */
@FunctionalInterface
interface Judge {
  /**
   * What it sees, in the order of indices.
   *
   * @param shown indices of pictures to bring along
   */
  List<Judged> see(JavaRDD<Painted> pictures, Set<Integer> shown);
}

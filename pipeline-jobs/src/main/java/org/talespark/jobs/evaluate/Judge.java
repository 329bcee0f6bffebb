package org.talespark.jobs.evaluate;

import java.util.List;
import java.util.Set;
import org.apache.spark.api.java.JavaRDD;

/** Says what is in pictures. */
@FunctionalInterface
interface Judge {
  /**
   * What it sees, in the order of indices; tells how far it has come.
   *
   * @param what these pictures are
   * @param expected how many there will be, 0 when nobody knows
   * @param shown indices of pictures to bring along
   */
  List<Judged> see(String what, long expected, JavaRDD<Painted> pictures, Set<Integer> shown);
}

package org.talespark.jobs.evaluate;

import java.util.List;
import org.apache.spark.api.java.JavaRDD;

/** Makes pictures of prompts; one for each. */
@FunctionalInterface
interface Painter {
  /**
   * Describes the work; Spark does it when the pictures are used.
   *
   * @param prompts empty texts for a model without texts
   * @param guidance or null for the model's own
   */
  JavaRDD<Painted> paint(List<String> prompts, Double guidance);
}

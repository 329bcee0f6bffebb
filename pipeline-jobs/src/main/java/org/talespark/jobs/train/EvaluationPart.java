package org.talespark.jobs.train;

import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.SampleRows;

/**
 * What one worker found in its share of the held-out samples.
 *
 * @param sums to be added up over the workers
 * @param rows one for each of its samples, where the metrics need them
 */
record EvaluationPart(Map<String, double[]> sums, SampleRows rows) implements Serializable {

  /** The metrics of the parts of all workers, in the order of ranks. */
  static Map<String, Double> metrics(LearnerConfig task, List<EvaluationPart> parts) {
    Map<String, double[]> sums = new LinkedHashMap<>();
    parts.forEach(part -> Sums.add(sums, part.sums()));
    return task.metrics(sums, SampleRows.dealt(parts.stream().map(EvaluationPart::rows).toList()));
  }
}

package org.talespark.zoo.train;

import java.util.Map;

/**
 * What a step reports, averaged over all workers.
 *
 * @param losses by name, in a fixed order; the first is the one to watch
 */
public record StepResult(Map<String, Double> losses) {}

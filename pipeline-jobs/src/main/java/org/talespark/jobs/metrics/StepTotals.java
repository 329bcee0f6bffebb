package org.talespark.jobs.metrics;

/**
 * Where a worker stands after a step.
 *
 * @param step steps made
 * @param samples seen by all workers together
 * @param loss of the step
 * @param exchangeSeconds spent in the exchange so far
 * @param dataWaitSeconds spent waiting for data so far
 * @param queueDepth batches ready
 */
public record StepTotals(
    long step,
    long samples,
    double loss,
    double exchangeSeconds,
    double dataWaitSeconds,
    int queueDepth) {}

package org.talespark.jobs.train;

import java.util.Map;

/**
 * How a run ended.
 *
 * @param loss smoothed
 * @param metrics of the last evaluation
 * @param bestStep the checkpoint with the best metric
 * @param exchangedBytes what a worker has sent to keep the replicas together, since the run was
 *     last started
 */
record RunSummary(
    long step,
    long samples,
    double loss,
    double samplesPerSecond,
    Map<String, Double> metrics,
    long bestStep,
    int workers,
    long exchangedBytes) {}

package org.talespark.zoo.train;

/**
 * Where a run is, the same on every worker.
 *
 * @param step the step about to be made, from 0
 * @param done share of the run that is done, from 0 to 1
 */
public record Progress(long step, double done) {}

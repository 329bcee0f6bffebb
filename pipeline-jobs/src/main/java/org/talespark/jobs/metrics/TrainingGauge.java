package org.talespark.jobs.metrics;

import java.util.Locale;

/** What Spark's sinks show of a training run. */
public enum TrainingGauge {
  /** Steps made. */
  STEP,
  /** Samples seen by all workers together. */
  SAMPLES,
  /** The step's loss. */
  LOSS,
  /** Samples of all workers a second, over the latest seconds. */
  SAMPLES_PER_SECOND,
  /** Share of the latest seconds that went into the exchange of gradients. */
  EXCHANGE_SHARE,
  /** Share of the latest seconds in which training waited for data. */
  DATA_WAIT_SHARE,
  /** Batches that are ready to be taken. */
  QUEUE_DEPTH,
  /** Share of the run that is done. */
  DONE;

  /** The name in sinks. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}

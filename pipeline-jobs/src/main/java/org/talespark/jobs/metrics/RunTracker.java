package org.talespark.jobs.metrics;

import java.util.Map;
import java.util.function.Consumer;

/**
 * An experiment tracker outside. No call waits for it or throws: what cannot be delivered is
 * dropped, with one warning.
 */
public interface RunTracker extends AutoCloseable {

  /** How a run ended. */
  enum Outcome {
    FINISHED,
    FAILED,
    KILLED
  }

  /** Tracks nothing. */
  RunTracker NONE =
      new RunTracker() {
        @Override
        public void metrics(long step, Map<String, Double> values) {}

        @Override
        public void outcome(Outcome outcome) {}

        @Override
        public void close() {}
      };

  /** Values at a step; those that are not finite are left out. */
  void metrics(long step, Map<String, Double> values);

  /** Says how the run ended, before {@link #close}; without it the run counts as failed. */
  void outcome(Outcome outcome);

  /** Delivers what is left, for some seconds at most. */
  @Override
  void close();

  /**
   * MLflow at {@code MLFLOW_TRACKING_URI}, or nothing when that is not set.
   *
   * @param environment variables of the process
   * @param run what to tell about the run when it begins
   * @param warning gets a sentence when the tracker cannot be used
   */
  static RunTracker of(Map<String, String> environment, TrackedRun run, Consumer<String> warning) {
    return MlflowTracker.of(environment, run, warning);
  }
}

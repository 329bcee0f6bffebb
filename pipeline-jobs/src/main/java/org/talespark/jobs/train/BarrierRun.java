package org.talespark.jobs.train;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.RunLock;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.sharing.ParameterServerRoot;
import org.talespark.jobs.sharing.Rendezvous;

/**
 * Runs the workers as the tasks of a barrier stage. When one is lost, all are; Spark does not try
 * such a stage again, so this does: from the last commit, as often in a row as {@code
 * train.restarts} says without a new one.
 */
final class BarrierRun {
  private final JavaSparkContext spark;
  private final TrainConfig config;
  private final RunOptions options;
  private final RunDirectory directory;
  private final Broadcast<SerializableConfiguration> hadoop;
  private final RunLock lock;
  private final PrintStream log;

  BarrierRun(
      JavaSparkContext spark,
      TrainConfig config,
      RunOptions options,
      RunDirectory directory,
      Broadcast<SerializableConfiguration> hadoop,
      RunLock lock,
      PrintStream log) {
    this.spark = spark;
    this.config = config;
    this.options = options;
    this.directory = directory;
    this.hadoop = hadoop;
    this.lock = lock;
    this.log = log;
  }

  RunSummary run() throws IOException {
    boolean resuming = options.resume();
    long commit = lastCommit();
    for (int failures = 0; ; ) {
      try {
        return attempt(options.attempt(lock.newAttempt(), resuming));
      } catch (Exception e) { // Spark throws its checked exception undeclared
        long now = lastCommit();
        failures = now > commit ? 1 : failures + 1;
        commit = now;
        if (!worthAnother(e)) {
          throw e;
        }
        if (failures > config.train().restarts()) {
          throw new TrainingFailedException(
              "Cannot go on training: the workers failed %d times since the last checkpoint, the last time by: %s"
                  .formatted(failures, reason(e)),
              e);
        }
        log.printf(
            "Starting the workers again from %s (restart %d of %d since the last checkpoint): %s%n",
            now < 0 ? "the beginning" : "step " + now,
            failures,
            config.train().restarts(),
            reason(e));
        resuming = true;
      }
    }
  }

  private RunSummary attempt(RunOptions attempt) throws IOException {
    int workers = config.train().workers();
    if (config.train().strategy() != TrainConfig.Strategy.GRADIENT_SHARING || workers == 1) {
      return summary(run(attempt, null));
    }
    String host = spark.getConf().get("spark.driver.host");
    try (ParameterServerRoot root =
        ParameterServerRoot.start(config.gradientSharing(), host, workers)) {
      return summary(run(attempt, root.rendezvous()));
    }
  }

  private List<String> run(RunOptions attempt, Rendezvous rendezvous) {
    return BarrierStage.run(
        spark.sc(),
        config.train().workers(),
        new WorkerTask(ConfigTree.toYaml(config), attempt, hadoop, rendezvous));
  }

  private static RunSummary summary(List<String> answers) throws IOException {
    Answer.check(answers);
    return LearnerFiles.JSON.readValue(answers.get(0), RunSummary.class);
  }

  /** Not when the run was cancelled, the application ends, or a task answered why it cannot. */
  private boolean worthAnother(Exception e) {
    String message = String.valueOf(e.getMessage());
    return (e instanceof SparkException || e instanceof WorkerLeftException)
        && !spark.sc().isStopped()
        && !message.contains("cancelled")
        && !message.contains("SparkContext was shut down");
  }

  /** What Spark says first that is not about itself: the words of the task that failed. */
  static String reason(Exception e) {
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    List<String> lines =
        message
            .lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty() && !line.startsWith("at "))
            .toList();
    boolean aboutStage = lines.size() > 1 && lines.get(0).endsWith("finished unsuccessfully.");
    return lines.isEmpty() ? e.toString() : lines.get(aboutStage ? 1 : 0);
  }

  private long lastCommit() throws IOException {
    return directory.checkpoints().newest().map(Checkpoint::step).orElse(-1L);
  }
}

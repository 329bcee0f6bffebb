package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.PrintStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.zoo.attributes.Estimate;
import org.talespark.zoo.train.FirstStage;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Reducer;

/**
 * The held-out metrics of a run's checkpoint, those that its training reports, on all samples of a
 * split, as a Spark job.
 *
 * <p>Samples are divided into twenty groups, whatever the number of tasks; the intervals are those
 * of the jackknife over the groups.
 */
public final class RunEvaluation {
  private static final int GROUPS = 20;

  /**
   * What was measured.
   *
   * @param samples how many were looked at
   */
  public record Result(long samples, Map<String, Estimate> metrics) {}

  /**
   * What a task needs to know.
   *
   * @param samplesUri of the dataset, or of its latents where the task has a first stage
   */
  private record Work(
      String checkpoint, String yaml, String samplesUri, Split split, long samples, int groups)
      implements Serializable {}

  private final Checkpoint checkpoint;
  private final RunDirectory directory;
  private final TrainConfig config;

  private RunEvaluation(Checkpoint checkpoint, RunDirectory directory, TrainConfig config) {
    this.checkpoint = checkpoint;
    this.directory = directory;
    this.config = config;
  }

  /**
   * Opens a run directory (its best checkpoint, else its latest) or one of its checkpoints.
   *
   * @throws BadInputException when there is no such checkpoint, or no configuration beside it
   */
  public static RunEvaluation of(String uri, Configuration hadoop) throws IOException {
    Checkpoint checkpoint = RunDirectory.checkpoint(requireNonNull(uri, "checkpoint"), hadoop);
    RunDirectory run =
        new RunDirectory(checkpoint.path().getParent().getParent().toString(), hadoop);
    byte[] yaml =
        run.read(RunDirectory.CONFIG)
            .orElseThrow(
                () ->
                    new BadInputException(
                        "Cannot evaluate: checkpoint=%s has no %s two levels above it, expected a run directory, which says how its model was trained; try the directory that train wrote"
                            .formatted(checkpoint.path(), RunDirectory.CONFIG)));
    TrainConfig config =
        ConfigTree.builder()
            .yaml(run.root() + "/" + RunDirectory.CONFIG, new String(yaml, UTF_8))
            .build()
            .bind(TrainConfig.class);
    return new RunEvaluation(checkpoint, run, config);
  }

  /** The directory of the checkpoint itself. */
  public String checkpoint() {
    return checkpoint.path().toString();
  }

  /** How the run was trained. */
  public TrainConfig config() {
    return config;
  }

  /**
   * Measures.
   *
   * @param most samples to look at
   * @param latents where the latents of this dataset are or will be kept, for a task with a first
   *     stage; null for those that the run was trained on
   */
  public Result run(
      JavaSparkContext context,
      Configuration hadoop,
      Dataset dataset,
      Split split,
      long most,
      String latents,
      PrintStream log)
      throws IOException {
    long samples = Math.min(most, dataset.samples(split));
    if (samples < 2) {
      throw new BadInputException(
          "Cannot evaluate: dataset=%s split=%s samples=%d, expected at least 2; try another --split"
              .formatted(dataset.uri(), split.id(), samples));
    }
    int groups = (int) Math.min(GROUPS, samples);
    String uri = dataset.uri();
    Optional<FirstStage> firstStage = config.task().firstStageOfPictures();
    if (firstStage.isPresent()) {
      FirstStage stage = firstStage.get();
      if (latents != null) {
        stage = new FirstStage(stage.checkpoint(), latents, stage.space());
      }
      uri = TrainJob.latents(context, dataset, hadoop, stage, directory, log).uri();
    }
    Work work = new Work(checkpoint(), ConfigTree.toYaml(config), uri, split, samples, groups);
    List<Integer> numbers = new ArrayList<>();
    for (int g = 0; g < groups; g++) {
      numbers.add(g);
    }
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    int tasks = Math.min(groups, Math.max(1, context.defaultParallelism()));
    List<EvaluationPart> parts =
        context
            .parallelize(numbers, tasks)
            .mapPartitions(mine -> parts(mine, work, conf.value().value()))
            .collect();
    return new Result(samples, estimates(parts));
  }

  /** What a task does: the part of each of its groups. */
  private static Iterator<EvaluationPart> parts(
      Iterator<Integer> groups, Work work, Configuration hadoop)
      throws IOException, InterruptedException {
    TrainConfig config = TrainConfig.onExecutor(work.yaml(), TaskContext.get().cpus());
    Path path = new Path(work.checkpoint());
    FileSystem fs = path.getFileSystem(hadoop);
    RunOptions options =
        new RunOptions(work.samplesUri(), work.checkpoint(), null, false, null, Map.of());
    List<EvaluationPart> parts = new ArrayList<>();
    try (SampleStore store = SampleStore.open(config, options, work.split(), hadoop);
        Learner learner = config.task().create(config.learnerContext(Reducer.ALONE, hadoop))) {
      LearnerFiles.restore(Checkpoint.open(fs, path), learner);
      Evaluation evaluation = new Evaluation(config, store, work.samples());
      while (groups.hasNext()) {
        parts.add(evaluation.part(learner, groups.next(), work.groups()));
      }
    }
    return parts.iterator();
  }

  private Map<String, Estimate> estimates(List<EvaluationPart> parts) {
    List<Map<String, Double>> without = new ArrayList<>();
    for (int g = 0; g < parts.size(); g++) {
      List<EvaluationPart> rest = new ArrayList<>(parts);
      rest.remove(g);
      without.add(EvaluationPart.metrics(config.task(), rest));
    }
    return Estimate.jackknife(EvaluationPart.metrics(config.task(), parts), without);
  }
}

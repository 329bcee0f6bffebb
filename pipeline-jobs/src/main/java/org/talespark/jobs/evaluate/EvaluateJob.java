package org.talespark.jobs.evaluate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.infer.ClipCheckpoint;
import org.talespark.jobs.infer.ItemSource;
import org.talespark.jobs.metrics.JobLabel;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.jobs.train.RunDirectory;
import org.talespark.jobs.train.RunEvaluation;
import org.talespark.jobs.train.UsedCheckpoint;
import org.talespark.zoo.attributes.AttributeClassifier;
import org.talespark.zoo.attributes.CaptionGrammar;
import org.talespark.zoo.attributes.Estimate;
import org.talespark.zoo.contrastive.ContrastiveLearnerConfig;
import org.talespark.zoo.diffusion.DiffusionLearnerConfig;
import org.talespark.zoo.runtime.NativeRuntime;

/**
 * Measures a run's best checkpoint, or a Hugging Face directory, on a split of a dataset: the
 * metrics of its family; of a diffusion model, given a classifier, the pictures that it makes; of a
 * CLIP, given classes, how well it tells them apart.
 */
final class EvaluateJob {
  /** The command's name in its output. */
  static final String COMMAND = "evaluate";

  static final String METRICS = "metrics.json";
  private static final String REPORT = "report.html";
  private static final String GRID = "pictures.png";
  private static final List<String> ENTRIES = List.of(METRICS, REPORT, GRID);

  private final String checkpoint;
  private final String dataset;
  private final Split split;
  private final String out;
  private final String classifier;
  private final EvaluateConfig config;
  private final PrintStream log;
  private List<ShownPictures> shown = List.of();

  /**
   * The classifier, opened.
   *
   * @param uri whole, of the checkpoint itself
   */
  private record Judging(String uri, CaptionGrammar grammar) {}

  /**
   * Checks nothing yet; {@link #run} does.
   *
   * @param out or null for no files
   * @param classifier or null to judge no pictures
   */
  EvaluateJob(
      String checkpoint,
      String dataset,
      Split split,
      String out,
      String classifier,
      EvaluateConfig config,
      PrintStream log) {
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.dataset = requireNonNull(dataset, "dataset");
    this.split = requireNonNull(split, "split");
    this.out = out;
    this.classifier = classifier;
    this.config = requireNonNull(config, "config");
    this.log = requireNonNull(log, "log");
  }

  /** Measures; writes nothing. */
  @SuppressWarnings("try") // the label is used by closing it
  EvaluateResult run(SparkSession spark) throws IOException {
    Configuration hadoop = spark.sessionState().newHadoopConf();
    if (out != null) {
      CommittedOutput.check(new Path(out).getFileSystem(hadoop), new Path(out), COMMAND);
    }
    Dataset data = Dataset.open(dataset, hadoop);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    if (UsedCheckpoint.find(checkpoint, hadoop).isForeign()) {
      return foreign(context, hadoop, data);
    }
    RunEvaluation run = RunEvaluation.of(checkpoint, hadoop);
    boolean clip = run.config().task() instanceof ContrastiveLearnerConfig;
    if (!clip && !config.zeroShot().isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot evaluate: evaluate.zero_shot=%s asks for a CLIP, and checkpoint=%s is of another family"
              .formatted(config.zeroShot().keySet(), checkpoint));
    }
    Optional<Judging> judging = judging(run, hadoop);
    try (JobLabel label = JobLabel.of(context.sc(), COMMAND, "evaluate " + run.checkpoint())) {
      RunEvaluation.Result metrics =
          run.run(context, hadoop, data, split, config.most(), config.latents(), log);
      Map<String, Estimate> all = new LinkedHashMap<>(metrics.metrics());
      if (!config.zeroShot().isEmpty()) {
        all.putAll(clip(context, hadoop, run.checkpoint()).zeroShot(config.zeroShot()));
      }
      PictureFigures figures = null;
      if (judging.isPresent()) {
        PictureEvaluation.Outcome outcome = judge(context, hadoop, run, data, judging.get());
        figures = outcome.figures();
        shown = outcome.shown();
      }
      return EvaluateResult.of(
          run.checkpoint(), data.uri(), split.id(), metrics.samples(), all, figures);
    }
  }

  private ClipEvaluation clip(JavaSparkContext context, Configuration hadoop, String uri) {
    return new ClipEvaluation(
        context,
        hadoop,
        ClipCheckpoint.find(uri, hadoop),
        ItemSource.of(dataset, split, hadoop),
        config.most());
  }

  /**
   * A Hugging Face directory says nothing of a training: what it is measured by is its family's.
   */
  @SuppressWarnings("try") // the label is used by closing it
  private EvaluateResult foreign(JavaSparkContext context, Configuration hadoop, Dataset data) {
    if (classifier != null) {
      throw judgesNothing();
    }
    long samples = Math.min(config.most(), data.samples(split));
    if (samples < 2) {
      throw new BadInputException(
          "Cannot evaluate: dataset=%s split=%s samples=%d, expected at least 2; try another --split"
              .formatted(data.uri(), split.id(), samples));
    }
    String uri = UsedCheckpoint.find(checkpoint, hadoop).uri();
    try (JobLabel label = JobLabel.of(context.sc(), COMMAND, "evaluate " + uri)) {
      ClipEvaluation evaluation = clip(context, hadoop, uri);
      Map<String, Estimate> metrics = evaluation.retrieval();
      if (!config.zeroShot().isEmpty()) {
        metrics.putAll(evaluation.zeroShot(config.zeroShot()));
      }
      return EvaluateResult.of(uri, data.uri(), split.id(), samples, metrics, null);
    }
  }

  private Optional<Judging> judging(RunEvaluation run, Configuration hadoop) {
    boolean diffusion = run.config().task() instanceof DiffusionLearnerConfig;
    if (classifier == null) {
      if (diffusion) {
        log.println("evaluate: no pictures are judged without --classifier");
      }
      return Optional.empty();
    }
    if (!diffusion) {
      throw judgesNothing();
    }
    NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
    String uri = RunDirectory.checkpoint(classifier, hadoop).path().toString();
    CaptionGrammar grammar =
        AttributeClassifier.grammar(LearnerFiles.pretrained(hadoop).apply(uri));
    return Optional.of(new Judging(uri, grammar));
  }

  private IllegalArgumentException judgesNothing() {
    return new IllegalArgumentException(
        "Cannot evaluate: --classifier=%s judges what diffusion models draw, and checkpoint=%s is of another family; try it without --classifier"
            .formatted(classifier, checkpoint));
  }

  private PictureEvaluation.Outcome judge(
      JavaSparkContext context,
      Configuration hadoop,
      RunEvaluation run,
      Dataset data,
      Judging judging) {
    DiffusionLearnerConfig task = (DiffusionLearnerConfig) run.config().task();
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    DiffusionPictures pictures =
        new DiffusionPictures(context, conf, run.checkpoint(), config.sampler(), config.seed());
    JavaRDD<Painted> real =
        RealPictures.of(context, conf, data, split, run.config().data().size(), config.most());
    Judge judge = new ClassifierJudge(judging.uri(), conf, context.sc(), log);
    return new PictureEvaluation(config, judging.grammar(), judge, task.text() != null)
        .run(
            real,
            pictures,
            task.firstStageOfPictures().isPresent() ? pictures::reconstructed : null);
  }

  /** Writes and commits the files: {@code resultLine} is the result as {@code --json} prints it. */
  void commit(SparkSession spark, EvaluateResult result, String resultLine) throws IOException {
    FileSystem fs = new Path(out).getFileSystem(spark.sessionState().newHadoopConf());
    CommittedOutput output =
        CommittedOutput.open(fs, new Path(out), COMMAND, ENTRIES, CommittedOutput.Existing.REPLACE);
    EvaluateReport report = new EvaluateReport(result, shown);
    write(output, METRICS, (resultLine + "\n").getBytes(UTF_8));
    write(output, REPORT, report.html().getBytes(UTF_8));
    if (!shown.isEmpty()) {
      write(output, GRID, report.grid());
    }
    output.commit(resultLine);
  }

  private static void write(CommittedOutput output, String name, byte[] bytes) throws IOException {
    try (OutputStream file = output.create(name)) {
      file.write(bytes);
    }
  }
}

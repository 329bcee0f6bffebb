package org.talespark.jobs.evaluate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.metrics.JobLabel;
import org.talespark.jobs.train.RunEvaluation;

/**
 * Measures a run's best checkpoint on a split of a dataset: the metrics of its family, and of a
 * diffusion model, given a classifier, the pictures that it makes.
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
  private final EvaluateConfig config;
  private final List<ShownPictures> shown = List.of();

  /**
   * Checks nothing yet; {@link #run} does.
   *
   * @param out or null for no files
   */
  EvaluateJob(String checkpoint, String dataset, Split split, String out, EvaluateConfig config) {
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.dataset = requireNonNull(dataset, "dataset");
    this.split = requireNonNull(split, "split");
    this.out = out;
    this.config = requireNonNull(config, "config");
  }

  /** Measures; writes nothing. */
  @SuppressWarnings("try") // the label is used by closing it
  EvaluateResult run(SparkSession spark) throws IOException {
    Configuration hadoop = spark.sessionState().newHadoopConf();
    if (out != null) {
      CommittedOutput.check(new Path(out).getFileSystem(hadoop), new Path(out), COMMAND);
    }
    RunEvaluation run = RunEvaluation.of(checkpoint, hadoop);
    Dataset data = Dataset.open(dataset, hadoop);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    try (JobLabel label = JobLabel.of(context.sc(), COMMAND, "evaluate " + run.checkpoint())) {
      RunEvaluation.Result metrics = run.run(context, hadoop, data, split, config.most());
      return EvaluateResult.of(
          run.checkpoint(), data.uri(), split.id(), metrics.samples(), metrics.metrics(), null);
    }
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

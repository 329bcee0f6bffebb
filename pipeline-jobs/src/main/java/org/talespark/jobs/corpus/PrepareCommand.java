package org.talespark.jobs.corpus;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.prepare.PrepareConfig;
import org.talespark.data.prepare.PrepareJob;
import org.talespark.data.prepare.PrepareProgress;
import org.talespark.data.prepare.PrepareSummary;
import org.talespark.data.prepare.Storage;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import org.talespark.jobs.Progress;
import org.talespark.jobs.config.ConfigTree;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code prepare}: a corpus into a dataset. */
@Command(
    name = "prepare",
    description = "Turns captioned pictures of any kind of corpus into a sharded dataset.")
public final class PrepareCommand extends JobCommand {

  private static final long SAMPLE_SEED = 1;

  /** The keys below {@code prepare}. */
  record Keys(PrepareConfig prepare) {}

  @Option(
      names = "--input",
      required = true,
      paramLabel = "URI",
      description =
          "A folder of pictures with captions, WebDataset tars, Parquet files, or a JSONL or CSV"
              + " manifest; may be repeated.")
  private List<String> inputs;

  @Option(
      names = "--format",
      paramLabel = "NAME",
      description =
          "What the inputs are: auto, folder, webdataset, parquet, jsonl or csv (default auto).")
  private String format;

  @Option(
      names = "--append",
      description =
          "Keep the dataset in --out and add only the inputs that are not in its index yet.")
  private boolean append;

  @Option(names = "--out", required = true, paramLabel = "URI", description = "The dataset.")
  private String out;

  private PrepareConfig config(Context context) {
    ConfigTree.Builder tree =
        context.overlay(
            ConfigTree.builder().option("the defaults", "prepare", PrepareConfig.defaults()));
    if (format != null) {
      tree.option("--format", "prepare.format", format);
    }
    return tree.build().bind(Keys.class).prepare();
  }

  @Override
  protected boolean takesConfiguration() {
    return true;
  }

  @Override
  protected Object run(Context context) throws Exception {
    SparkSession spark = context.spark();
    Configuration hadoop = spark.sessionState().newHadoopConf();
    PrepareJob.Result result =
        new PrepareJob(inputs, out, config(context), append)
            .reporting(progress(context.log()))
            .run(spark);
    report(spark, hadoop);
    byte[] line = (context.resultLine(result) + "\n").getBytes(UTF_8);
    Storage.replace(new Path(out, "result.json"), line, hadoop);
    return result;
  }

  /** Writes the report unless there is one of this very dataset. */
  private void report(SparkSession spark, Configuration hadoop) throws IOException {
    Path file = new Path(out, PrepareReport.FILE);
    FileSystem fs = file.getFileSystem(hadoop);
    long committed = fs.getFileStatus(new Path(out, DatasetManifest.FILE)).getModificationTime();
    if (fs.exists(file) && fs.getFileStatus(file).getModificationTime() >= committed) {
      return;
    }
    PrepareSummary summary = PrepareSummary.of(spark, Dataset.open(out, hadoop), SAMPLE_SEED);
    Storage.replace(file, PrepareReport.html(out, summary).getBytes(UTF_8), hadoop);
  }

  /** One line at a time for each kind of work. */
  private static PrepareProgress progress(PrintStream log) {
    Map<String, Progress> works = new ConcurrentHashMap<>();
    return (work, done, total) ->
        works
            .computeIfAbsent(work, name -> Progress.of(log, "prepare " + name, "tasks", 0, total))
            .at(done, "");
  }

  @Override
  protected Object plan(Context context) {
    return new Keys(config(context));
  }
}

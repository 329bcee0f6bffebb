package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.image.Images;
import org.talespark.jobs.Progress;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.metrics.JobLabel;
import org.talespark.jobs.metrics.TaskProgress;

/**
 * Prompts to pictures, as a Spark job: {@code images/00000.png} and so on, {@code prompts.jsonl}
 * with a line for each, and {@code report.html} with the first of them above their prompts.
 *
 * <p>What a task writes depends on its requests alone, so a task that runs twice writes the same
 * files.
 */
public final class GenerateJob {
  /** The command's name in its output. */
  public static final String COMMAND = "infer generate";

  private static final String IMAGES = "images";
  private static final String PROMPTS = "prompts.jsonl";
  private static final String REPORT = "report.html";
  private static final List<String> ENTRIES = List.of(IMAGES, PROMPTS, REPORT);
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .serializationInclusion(JsonInclude.Include.NON_NULL)
          .build();

  /** What was made. */
  public record Result(long images, double imagesPerSecond) {}

  /** A line of {@code prompts.jsonl}. */
  record Row(
      int index,
      String file,
      String prompt,
      long seed,
      int number,
      String image,
      String mask,
      Used settings) {}

  /** How its picture was made. */
  record Used(String checkpoint, JsonNode sampler, Double guidance, Double strength, int batch) {}

  private final String checkpoint;
  private final Prompts prompts;
  private final GenerateConfig config;
  private final String out;
  private final PrintStream log;

  /**
   * Checks nothing yet; {@link #run} does.
   *
   * @param prompts or null for none
   */
  GenerateJob(
      String checkpoint, Prompts prompts, GenerateConfig config, String out, PrintStream log) {
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.prompts = prompts;
    this.config = requireNonNull(config, "config");
    this.out = requireNonNull(out, "out");
    this.log = requireNonNull(log, "log");
  }

  /** Writes everything but the commit; the caller commits with the result's line. */
  @SuppressWarnings("try") // label and listener are used by closing them
  public Result run(SparkSession spark) throws IOException {
    long started = System.nanoTime();
    Configuration hadoop = spark.sessionState().newHadoopConf();
    GenerationPlan plan = GenerationPlan.of(checkpoint, prompts, config, hadoop);
    FileSystem fs = new Path(out).getFileSystem(hadoop);
    CommittedOutput output =
        CommittedOutput.open(fs, new Path(out), COMMAND, ENTRIES, CommittedOutput.Existing.REPLACE);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    int total = plan.requests().size();
    Progress progress = Progress.of(log, "generate", "images", 0, total);
    try (JobLabel label = JobLabel.of(context.sc(), "generate", "generate " + out);
        TaskProgress made = new TaskProgress(context.sc(), progress, total)) {
      write(context, hadoop, plan, output.path(IMAGES).toString(), made.counter());
    }
    List<Row> rows = rows(plan);
    writeRows(output, rows);
    try (OutputStream file = output.create(REPORT)) {
      file.write(new GenerationReport(fs, output, plan, rows).html().getBytes(UTF_8));
    }
    return new Result(total, total / ((System.nanoTime() - started) / 1e9));
  }

  /** Makes the output valid: {@code resultLine} is the result as {@code --json} prints it. */
  public void commit(SparkSession spark, String resultLine) throws IOException {
    CommittedOutput.commit(spark.sessionState().newHadoopConf(), out, COMMAND, ENTRIES, resultLine);
  }

  private static void write(
      JavaSparkContext context,
      Configuration hadoop,
      GenerationPlan plan,
      String images,
      LongAccumulator counter) {
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    Generation.run(context, hadoop, plan.requests(), plan.settings())
        .foreach(
            made -> {
              Path file = new Path(images, name(made.index()));
              try (OutputStream png = file.getFileSystem(conf.value().value()).create(file, true)) {
                png.write(Images.encodePng(made.picture(), side(made.picture())));
              }
              counter.add(1);
            });
  }

  private static int side(float[] picture) {
    return (int) Math.round(Math.sqrt(picture.length / 3.0));
  }

  private static String name(int index) {
    return "%05d.png".formatted(index);
  }

  private List<Row> rows(GenerationPlan plan) {
    Generation.Settings settings = plan.settings();
    List<Row> rows = new ArrayList<>();
    for (Generation.Request request : plan.requests()) {
      rows.add(
          new Row(
              request.index(),
              IMAGES + "/" + name(request.index()),
              request.prompt(),
              request.seed() == null ? settings.seed() : request.seed(),
              request.number(),
              request.original(),
              request.mask(),
              new Used(
                  settings.checkpoint(),
                  plan.sampler(),
                  plan.guidance(),
                  request.original() == null ? null : settings.strength(request),
                  settings.batch())));
    }
    return rows;
  }

  private static void writeRows(CommittedOutput output, List<Row> rows) throws IOException {
    try (BufferedWriter writer =
        new BufferedWriter(new OutputStreamWriter(output.create(PROMPTS), UTF_8))) {
      for (Row row : rows) {
        writer.write(JSON.writeValueAsString(row));
        writer.write('\n');
      }
    }
  }
}

package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.apache.spark.sql.functions.col;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.Progress;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.infer.EmbeddingPart.Written;
import org.talespark.jobs.infer.EmbeddingSet.Kind;
import org.talespark.jobs.metrics.JobLabel;
import org.talespark.jobs.metrics.TaskProgress;

/**
 * Pictures and texts to the rows of a CLIP, as a Spark job: an {@link EmbeddingSet}, the same rows
 * in {@code embeddings.parquet}, and where a limit is given {@code blocklist.txt} with the pictures
 * of a dataset that their captions do not describe.
 */
final class EmbedJob {
  /** The command's name in its output. */
  static final String COMMAND = "infer embed";

  static final String BLOCKLIST = "blocklist.txt";
  private static final List<String> ENTRIES =
      List.of(
          EmbeddingSet.FILE,
          EmbeddingSet.PARQUET,
          Kind.IMAGE.keys(),
          Kind.TEXT.keys(),
          EmbeddingPart.PARTS,
          BLOCKLIST);

  /**
   * How similar the pictures and texts of a dataset's pairs are.
   *
   * @param p01 a hundredth of the pairs is less similar, or as similar
   * @param p10 a tenth
   * @param p50 half of them
   */
  record Scores(double mean, double p01, double p10, double p50) {
    static Scores of(List<Written> written) {
      float[] all = all(written);
      double sum = 0;
      for (float score : all) {
        sum += score;
      }
      Arrays.sort(all);
      return all.length == 0
          ? null
          : new Scores(sum / all.length, share(all, 0.01), share(all, 0.1), share(all, 0.5));
    }

    private static float[] all(List<Written> written) {
      float[] all = new float[written.stream().mapToInt(part -> part.scores().length).sum()];
      int at = 0;
      for (Written part : written) {
        System.arraycopy(part.scores(), 0, all, at, part.scores().length);
        at += part.scores().length;
      }
      return all;
    }

    private static double share(float[] sorted, double share) {
      return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }
  }

  /**
   * What was embedded.
   *
   * @param width numbers of a row
   * @param scores of pairs, or null where there are none
   * @param blocked pictures in the blocklist, or null without a limit
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Result(
      long images, long texts, int width, double rowsPerSecond, Scores scores, Long blocked) {}

  private final String checkpoint;
  private final String input;
  private final Split split;
  private final Double blockBelow;
  private final String out;
  private final PrintStream log;

  /**
   * Checks nothing yet; {@link #run} does.
   *
   * @param blockBelow the least score of a pair that is not blocked, or null for no blocklist
   */
  EmbedJob(
      String checkpoint,
      String input,
      Split split,
      Double blockBelow,
      String out,
      PrintStream log) {
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.input = requireNonNull(input, "input");
    this.split = requireNonNull(split, "split");
    this.blockBelow = blockBelow;
    this.out = requireNonNull(out, "out");
    this.log = requireNonNull(log, "log");
  }

  /** Writes everything but the commit; the caller commits with the result's line. */
  @SuppressWarnings("try") // label and listener are used by closing them
  Result run(SparkSession spark) throws IOException {
    long started = System.nanoTime();
    Configuration hadoop = spark.sessionState().newHadoopConf();
    ClipCheckpoint model = ClipCheckpoint.find(checkpoint, hadoop);
    List<ItemSource> sources = ItemSource.of(input, split, hadoop);
    checkLimit(sources);
    FileSystem fs = new Path(out).getFileSystem(hadoop);
    CommittedOutput output =
        CommittedOutput.open(fs, new Path(out), COMMAND, ENTRIES, CommittedOutput.Existing.REPLACE);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    long total = rows(sources);
    Progress progress = Progress.of(log, "embed", "rows", 0, total);
    List<Written> written;
    try (JobLabel label = JobLabel.of(context.sc(), "embed", "embed " + input);
        TaskProgress done = new TaskProgress(context.sc(), progress, total)) {
      Path root = output.path(EmbeddingSet.FILE).getParent();
      written =
          new EmbeddingWriter(context, hadoop, model, root)
              .write(sources, origin(model, input, split, hadoop), true, done.counter());
    }
    Long blocked = blockBelow == null ? null : block(spark, hadoop, output, written);
    long images = written.stream().mapToLong(Written::images).sum();
    long texts = written.stream().mapToLong(Written::texts).sum();
    double seconds = (System.nanoTime() - started) / 1e9;
    return new Result(
        images, texts, model.width(), (images + texts) / seconds, Scores.of(written), blocked);
  }

  private void checkLimit(List<ItemSource> sources) {
    boolean pairs = sources.get(0) instanceof ItemSource.ShardRange;
    if (blockBelow != null && (!pairs || !(blockBelow >= -1 && blockBelow <= 1))) {
      throw new IllegalArgumentException(
          "Cannot embed: --block-below=%s input=%s, expected -1 to 1, and a prepared dataset"
              .formatted(blockBelow, input));
    }
  }

  static EmbeddingSet.Origin origin(
      ClipCheckpoint model, String input, Split split, Configuration hadoop) throws IOException {
    Path path = new Path(input);
    String whole = path.getFileSystem(hadoop).makeQualified(path).toString();
    return new EmbeddingSet.Origin(model.uri(), model.sha256(), whole, split);
  }

  static long rows(List<ItemSource> sources) {
    return sources.stream().mapToLong(source -> (long) source.images() + source.texts()).sum();
  }

  /** Writes the hashes of the picture files whose pairs score below the limit; says how many. */
  private Long block(
      SparkSession spark, Configuration hadoop, CommittedOutput output, List<Written> written)
      throws IOException {
    List<String> keys = blockedKeys(hadoop, output, written);
    Dataset dataset = Dataset.open(input, hadoop);
    List<String> hashes =
        spark
            .read()
            .parquet(dataset.indexPaths().toArray(String[]::new))
            .where(col("status").equalTo("accepted"))
            .join(spark.createDataset(keys, Encoders.STRING()).toDF("key"), "key")
            .select("sha256")
            .distinct()
            .orderBy("sha256")
            .as(Encoders.STRING())
            .collectAsList();
    try (BufferedWriter writer =
        new BufferedWriter(new OutputStreamWriter(output.create(BLOCKLIST), UTF_8))) {
      for (String hash : hashes) {
        writer.write(hash);
        writer.write('\n');
      }
    }
    return (long) hashes.size();
  }

  /** The keys of pairs below the limit: every row is a pair, so scores are in the order of rows. */
  private List<String> blockedKeys(
      Configuration hadoop, CommittedOutput output, List<Written> written) throws IOException {
    List<String> keys = new ArrayList<>();
    float[] scores = Scores.all(written);
    ItemSource.lines(
        output.path(Kind.IMAGE.keys()).toString(),
        hadoop,
        (key, number, index) -> {
          if (scores[(int) index] < blockBelow) {
            keys.add(key);
          }
          return true;
        });
    return keys;
  }

  /** Makes the output valid: {@code resultLine} is the result as {@code --json} prints it. */
  void commit(SparkSession spark, String resultLine) throws IOException {
    CommittedOutput.commit(spark.sessionState().newHadoopConf(), out, COMMAND, ENTRIES, resultLine);
  }
}

package org.talespark.jobs.infer;

import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code infer embed}: pictures and texts to the rows of a CLIP. */
@Command(name = "embed", description = "Embeds pictures and texts with a CLIP, as a Spark job.")
public final class EmbedCommand extends JobCommand {
  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "URI",
      description =
          "A run directory (its best, else latest checkpoint), a checkpoint, or a Hugging Face"
              + " directory.")
  private String checkpoint;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "URI",
      description =
          "A prepared dataset, a folder of pictures and .txt files, a text file with one text a line,"
              + " or a .jsonl file with text and key.")
  private String input;

  @Option(
      names = "--split",
      defaultValue = "test",
      paramLabel = "SPLIT",
      description = "Of a dataset: train, validation or test (default ${DEFAULT-VALUE}).")
  private String split;

  @Option(
      names = "--block-below",
      paramLabel = "SCORE",
      description =
          "Of a dataset: also writes blocklist.txt for prepare.blocklist, with the pictures whose"
              + " captions are less similar than this.")
  private Double blockBelow;

  @Option(names = "--out", required = true, paramLabel = "URI", description = "The output.")
  private String out;

  @Override
  protected Object run(Context context) throws Exception {
    EmbedJob job = new EmbedJob(checkpoint, input, Split.of(split), blockBelow, out, context.log());
    SparkSession spark = context.spark();
    EmbedJob.Result result = job.run(spark);
    job.commit(spark, context.resultLine(result));
    return result;
  }
}

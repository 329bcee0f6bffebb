package org.talespark.jobs.infer;

import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code infer reconstruct}: pictures to codes and reconstructions. */
@Command(
    name = "reconstruct",
    description = "Encodes pictures to codes and decodes them again, as a Spark job.")
public final class ReconstructCommand extends JobCommand {
  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "URI",
      description = "A run directory (its best, else latest checkpoint) or a checkpoint.")
  private String checkpoint;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "URI",
      description = "A folder of pictures or a prepared dataset.")
  private String input;

  @Option(
      names = "--split",
      defaultValue = "test",
      paramLabel = "SPLIT",
      description = "Of a dataset: train, validation or test (default ${DEFAULT-VALUE}).")
  private String split;

  @Option(names = "--out", required = true, paramLabel = "URI", description = "The output.")
  private String out;

  @Override
  protected Object run(Context context) throws Exception {
    ReconstructJob job = new ReconstructJob(checkpoint, input, Split.of(split), out);
    SparkSession spark = context.spark();
    ReconstructJob.Result result = job.run(spark);
    job.commit(spark, context.resultLine(result));
    return result;
  }
}

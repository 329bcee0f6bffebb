package org.talespark.jobs.export;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code export}: a checkpoint in the layout of another library. */
@Command(name = "export", description = "Writes a trained model in the layout of another library.")
public final class ExportCommand extends JobCommand {
  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "URI",
      description = "A run directory (its best, else latest checkpoint) or a checkpoint.")
  private String checkpoint;

  @Option(
      names = "--format",
      required = true,
      paramLabel = "NAME",
      description = "hf, diffusers or peft, as far as the model has it.")
  private String format;

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "The output.")
  private String out;

  @Override
  protected Object run(Context context) throws Exception {
    // no session: nothing is given to executors
    Configuration hadoop = SparkHadoopUtil.get().newConfiguration(new SparkConf());
    ExportJob job = new ExportJob(checkpoint, Format.of(format), out, hadoop);
    ExportJob.Result result = job.run();
    job.commit(result, context.resultLine(result));
    return result;
  }
}

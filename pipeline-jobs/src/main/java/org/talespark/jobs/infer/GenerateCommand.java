package org.talespark.jobs.infer;

import java.util.Objects;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import org.talespark.jobs.config.ConfigTree;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code infer generate}: prompts to pictures. */
@Command(
    name = "generate",
    description =
        "Makes pictures with a diffusion model: from noise, from other pictures, or into"
            + " their holes, as a Spark job.")
public final class GenerateCommand extends JobCommand {

  /** The keys below {@code generate}. */
  record Keys(GenerateConfig generate) {}

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "URI",
      description = "A run directory (its best, else latest checkpoint) or a checkpoint.")
  private String checkpoint;

  @Option(
      names = "--input",
      paramLabel = "URI",
      description =
          "Prompts: a text file with one a line, a .jsonl file with prompt, seed, image and mask, or"
              + " a prepared dataset with captions. None for a model without texts.")
  private String input;

  @Option(
      names = "--split",
      defaultValue = "test",
      paramLabel = "SPLIT",
      description = "Of a dataset: train, validation or test (default ${DEFAULT-VALUE}).")
  private String split;

  @Option(names = "--limit", paramLabel = "N", description = "Read at most so many prompts.")
  private Integer limit;

  @Option(
      names = "--number",
      paramLabel = "N",
      description = "Pictures of each prompt, or in all without prompts; generate.number.")
  private Integer number;

  @Option(names = "--seed", paramLabel = "N", description = "Of all noise; generate.seed.")
  private Long seed;

  @Option(
      names = "--guidance",
      paramLabel = "SCALE",
      description = "How much more than in training a prompt counts; generate.guidance.")
  private Double guidance;

  @Option(
      names = "--sampler",
      paramLabel = "NAME",
      description = "ddpm, ddim or dpm_solver; generate.sampler.type.")
  private String sampler;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps of the sampler; generate.sampler.steps.")
  private Integer steps;

  @Option(
      names = "--strength",
      paramLabel = "SHARE",
      description = "How far given pictures are changed, 0 to 1; generate.strength.")
  private Double strength;

  @Option(names = "--out", required = true, paramLabel = "URI", description = "The output.")
  private String out;

  private GenerateConfig config(Context context) {
    return context
        .overlay(ConfigTree.builder().option("the defaults", "generate", GenerateConfig.defaults()))
        .option("--number", "generate.number", number)
        .option("--seed", "generate.seed", seed)
        .option("--guidance", "generate.guidance", guidance)
        .option("--sampler", "generate.sampler.type", sampler)
        .option("--steps", "generate.sampler.steps", steps)
        .option("--strength", "generate.strength", strength)
        .build()
        .bind(Keys.class)
        .generate();
  }

  private Prompts prompts() {
    return input == null
        ? null
        : new Prompts(input, Split.of(split), Objects.requireNonNullElse(limit, Integer.MAX_VALUE));
  }

  @Override
  protected boolean takesConfiguration() {
    return true;
  }

  @Override
  protected Object run(Context context) throws Exception {
    GenerateJob job = new GenerateJob(checkpoint, prompts(), config(context), out, context.log());
    SparkSession spark = context.spark();
    GenerateJob.Result result = job.run(spark);
    job.commit(spark, context.resultLine(result));
    return result;
  }

  @Override
  protected Object plan(Context context) {
    return new Keys(config(context));
  }
}

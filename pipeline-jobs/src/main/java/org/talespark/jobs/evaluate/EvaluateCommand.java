package org.talespark.jobs.evaluate;

import org.talespark.data.dataset.Split;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import org.talespark.jobs.config.ConfigTree;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code evaluate}: a trained model's held-out metrics. */
@Command(
    name = "evaluate",
    description =
        "Measures a trained model on held-out samples, and what a diffusion model draws with an"
            + " attribute classifier, as Spark jobs.")
public final class EvaluateCommand extends JobCommand {

  /** The keys below {@code evaluate}. */
  record Keys(EvaluateConfig evaluate) {}

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "URI",
      description =
          "A run directory (its best, else latest checkpoint), one of its checkpoints, or a Hugging"
              + " Face directory of a CLIP.")
  private String checkpoint;

  @Option(
      names = "--dataset",
      required = true,
      paramLabel = "URI",
      description = "A prepared dataset.")
  private String dataset;

  @Option(
      names = "--split",
      defaultValue = "test",
      paramLabel = "SPLIT",
      description = "Of the dataset: train, validation or test (default ${DEFAULT-VALUE}).")
  private String split;

  @Option(
      names = "--classifier",
      paramLabel = "URI",
      description =
          "Of a diffusion model: a run of the attributes recipe, which judges what it draws.")
  private String classifier;

  @Option(names = "--out", paramLabel = "URI", description = "The output; none writes no files.")
  private String out;

  private EvaluateConfig config(Context context) {
    return context
        .overlay(ConfigTree.builder().option("the defaults", "evaluate", EvaluateConfig.defaults()))
        .build()
        .bind(Keys.class)
        .evaluate();
  }

  @Override
  protected boolean takesConfiguration() {
    return true;
  }

  @Override
  protected Object run(Context context) throws Exception {
    EvaluateJob job =
        new EvaluateJob(
            checkpoint, dataset, Split.of(split), out, classifier, config(context), context.log());
    EvaluateResult result = job.run(context.spark());
    if (out != null) {
      job.commit(context.spark(), result, context.resultLine(result));
    }
    return result;
  }

  @Override
  protected Object plan(Context context) {
    return new Keys(config(context));
  }
}

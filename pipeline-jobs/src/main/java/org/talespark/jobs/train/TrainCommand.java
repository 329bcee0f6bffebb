package org.talespark.jobs.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.dataset.Dataset;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.TrainedBytes;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train}: a dataset and a recipe into a trained model. */
@Command(name = "train", description = "Trains a model on a dataset, data-parallel over workers.")
public final class TrainCommand extends JobCommand {

  /** The recipes that come with the program. */
  public static final List<String> RECIPES =
      List.of(
          "vqvae",
          "vqgan",
          "vqgan-latents",
          "features",
          "language",
          "ddpm-scenes",
          "text2image-scenes",
          "dit-scenes",
          "attributes-scenes",
          "clip-scenes",
          "clip-lora-emoji",
          "fusion-scenes");

  @Option(
      names = "--recipe",
      required = true,
      paramLabel = "NAME|FILE",
      description =
          "A built-in recipe (vqvae, vqgan, vqgan-latents, features, language, ddpm-scenes, text2image-scenes, dit-scenes, attributes-scenes, clip-scenes, clip-lora-emoji, fusion-scenes) or a YAML file.")
  private String recipe;

  @Option(
      names = "--dataset",
      required = true,
      paramLabel = "URI",
      description = "A prepared dataset.")
  private String dataset;

  @Option(names = "--out", required = true, paramLabel = "URI", description = "The run directory.")
  private String out;

  @Option(
      names = "--base",
      paramLabel = "URI",
      description =
          "A checkpoint whose weights to begin with; with task.lora the model that adapters are added to.")
  private String base;

  @Option(
      names = "--resume",
      description = "Go on from the latest committed checkpoint in --out, if there is one.")
  private boolean resume;

  @Option(names = "--workers", paramLabel = "N", description = "Overrides train.workers.")
  private Integer workers;

  private TrainConfig config(Context context) {
    return context
        .overlay(ConfigTree.builder().recipe(recipe, RECIPES))
        .option("--workers", "train.workers", workers)
        .build()
        .bind(TrainConfig.class);
  }

  @Override
  protected boolean takesConfiguration() {
    return true;
  }

  @Override
  protected Object run(Context context) throws Exception {
    TrainJob job = new TrainJob(config(context), dataset, out, base, resume, context.log());
    TrainJob.Result result = job.run(context.spark());
    new RunDirectory(out, context.spark().sessionState().newHadoopConf())
        .write(
            RunDirectory.RESULT,
            context.resultLine(result).getBytes(java.nio.charset.StandardCharsets.UTF_8));
    return result;
  }

  @Override
  protected Object plan(Context context) throws Exception {
    TrainConfig config = config(context);
    NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
    Configuration hadoop = new Configuration();
    LearnerConfig task =
        AdapterBase.given(config.task(), base, hadoop)
            .completed(() -> TrainJob.wordCounts(Dataset.open(dataset, hadoop), hadoop));
    Map<String, Object> plan = new LinkedHashMap<>();
    plan.put("config", config.withTask(task));
    LearnerContext one = config.learnerContext(Reducer.ALONE, hadoop);
    try (Learner learner = task.create(one)) {
      plan.put("memory", learner.memoryReport().lines().toList());
      plan.put("trained_bytes", TrainedBytes.of(learner));
    }
    return plan;
  }
}

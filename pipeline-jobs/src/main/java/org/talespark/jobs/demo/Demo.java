package org.talespark.jobs.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Split;
import org.talespark.data.prepare.PrepareConfig;
import org.talespark.data.prepare.PrepareJob;
import org.talespark.data.scenes.SceneCorpus;
import org.talespark.jobs.Context;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.infer.ReconstructJob;
import org.talespark.jobs.train.TrainCommand;
import org.talespark.jobs.train.TrainConfig;
import org.talespark.jobs.train.TrainJob;

/** The stages of the demo, each the job that its command would run. */
final class Demo {
  private static final String MARK = ".talespark-demo";
  private static final int SIZE = 64;
  private static final long SEED = 1;

  /** How much is drawn and how long is trained. */
  enum Scale {
    QUICK(900, 0.4, 2.5),
    FULL(4000, 0.75, 15.5);

    private final long pages;
    private final double featureMinutes;
    private final double minutes;

    Scale(long pages, double featureMinutes, double minutes) {
      this.pages = pages;
      this.featureMinutes = featureMinutes;
      this.minutes = minutes;
    }
  }

  private final Context context;
  private final Path out;
  private final Scale scale;

  Demo(Context context, Path out, Scale scale) {
    this.context = context;
    this.out = out.toAbsolutePath().normalize();
    this.scale = scale;
  }

  DemoCommand.Result run() throws IOException {
    clear();
    SparkSession spark = context.spark();
    Path corpus = out.resolve("corpus");
    say("1/5 drawing %d pages".formatted(scale.pages));
    new SceneCorpus(new SceneCorpus.Config(scale.pages, SIZE, SEED, corpus)).run();

    String dataset = out.resolve("dataset").toUri().toString();
    say("2/5 preparing the dataset");
    PrepareJob.Result prepared =
        new PrepareJob(List.of(corpus.toUri().toString()), dataset, PrepareConfig.defaults())
            .run(spark);
    say("    %d pictures in %d shards".formatted(prepared.accepted(), prepared.shards()));

    String features = out.resolve("features").toUri().toString();
    say("3/5 training the feature network");
    train("features", dataset, features, scale.featureMinutes, List.of(), spark);

    String run = out.resolve("vqgan").toUri().toString();
    say("4/5 training the VQ-GAN for %.1f minutes".formatted(scale.minutes));
    TrainJob.Result trained =
        train(
            "vqgan",
            dataset,
            run,
            scale.minutes,
            List.of("task.perceptual.checkpoint=" + features),
            spark);

    String reconstructed = out.resolve("reconstructed").toUri().toString();
    say("5/5 reconstructing held-out pictures");
    ReconstructJob job = new ReconstructJob(run, dataset, Split.TEST, reconstructed);
    ReconstructJob.Result result = job.run(spark);
    job.commit(spark, Context.line(result));

    Path report = out.resolve("report.html");
    new DemoReport(out, prepared, trained, result, spark).write(report);
    return new DemoCommand.Result(
        result.psnr(),
        result.codebookUsage(),
        result.images(),
        trained.step(),
        trained.samplesPerSecond(),
        report.toString());
  }

  private TrainJob.Result train(
      String recipe,
      String dataset,
      String run,
      double minutes,
      List<String> settings,
      SparkSession spark)
      throws IOException {
    ConfigTree.Builder tree = ConfigTree.builder().recipe(recipe, TrainCommand.RECIPES);
    settings.forEach(tree::set);
    tree.option("the demo's scale", "train.minutes", minutes);
    TrainConfig config = context.overlay(tree).build().bind(TrainConfig.class);
    return new TrainJob(config, dataset, run, null, false, context.log()).run(spark);
  }

  /** Makes the folder, or empties it when it is an earlier demo's. */
  private void clear() throws IOException {
    Path mark = out.resolve(MARK);
    if (Files.isDirectory(out)) {
      try (Stream<Path> entries = Files.list(out)) {
        if (!Files.exists(mark) && entries.findAny().isPresent()) {
          throw new IllegalArgumentException(
              "Cannot write demo: out=%s is not empty and not an earlier demo's; choose another --out"
                  .formatted(out));
        }
      }
      try (Stream<Path> all = Files.walk(out)) {
        all.sorted(Comparator.reverseOrder()).filter(p -> !p.equals(out)).forEach(Demo::delete);
      }
    }
    Files.createDirectories(out);
    Files.createFile(mark);
  }

  private static void delete(Path path) {
    try {
      Files.delete(path);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot delete " + path, e);
    }
  }

  private void say(String text) {
    context.log().println("[%4ds] %s".formatted(context.elapsed().toSeconds(), text));
  }
}

package org.talespark.jobs.latents;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.BadInputException;
import org.talespark.data.Sha256;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.Progress;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.metrics.TaskProgress;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.train.LatentSpace;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.vq.VqCodec;

/**
 * A dataset through the encoder of a first stage, as a Spark job with a task a shard. The directory
 * is committed as a whole and says which first stage and which dataset it is of, so that latents of
 * another one are never trained on by mistake.
 */
public final class LatentsJob {
  private static final String COMMAND = "train latents";
  private static final String SHARDS = "shards";
  private static final List<String> ENTRIES = List.of(SHARDS, LatentManifest.FILE);

  /** Opens the first stage on an executor. */
  @FunctionalInterface
  public interface Opener extends Serializable {
    Pretrained open(String uri, Configuration hadoop);
  }

  private final Dataset dataset;
  private final Checkpoint firstStage;
  private final String sha256;
  private final Opener opener;
  private final String out;
  private final PrintStream log;

  /**
   * A job.
   *
   * @param firstStage checkpoint of a VQ model
   * @param sha256 of the weights that are opened
   */
  public LatentsJob(
      Dataset dataset,
      Checkpoint firstStage,
      String sha256,
      Opener opener,
      String out,
      PrintStream log) {
    this.sha256 = requireNonNull(sha256, "sha256");
    this.opener = requireNonNull(opener, "opener");
    this.dataset = requireNonNull(dataset, "dataset");
    this.firstStage = requireNonNull(firstStage, "firstStage");
    this.out = requireNonNull(out, "out");
    this.log = requireNonNull(log, "log");
  }

  /**
   * The latents: those that are there, if they are of this first stage and dataset, else new ones.
   *
   * @throws BadInputException when others are there
   */
  public LatentSet run(JavaSparkContext context, Configuration hadoop) throws IOException {
    String datasetSha256 = Sha256.hex(dataset.manifest().toJson());
    Optional<LatentSet> found = LatentSet.find(out, hadoop);
    if (found.isPresent()) {
      check(found.get(), datasetSha256);
      return found.get();
    }
    FileSystem fs = new Path(out).getFileSystem(hadoop);
    CommittedOutput output =
        CommittedOutput.open(fs, new Path(out), COMMAND, ENTRIES, CommittedOutput.Existing.REPLACE);
    String root = output.path(SHARDS).getParent().toString();
    List<Shard> shards = new ArrayList<>();
    for (Split split : Split.values()) {
      shards.addAll(dataset.shards(split));
    }
    String exact = firstStage.path().toString();
    List<LatentTask.Written> written = encode(context, shards, exact, root, hadoop);
    LatentSpace space = space(shards, written);
    List<DatasetManifest.ShardEntry> entries = new ArrayList<>();
    for (int i = 0; i < shards.size(); i++) {
      LatentTask.Written one = written.get(i);
      entries.add(
          new DatasetManifest.ShardEntry(
              one.path(), shards.get(i).split().id(), one.samples(), one.bytes(), one.sha256()));
    }
    LatentManifest manifest =
        new LatentManifest(
            LatentManifest.SCHEMA_VERSION, exact, dataset.uri(), datasetSha256, space, entries);
    try (OutputStream json = output.create(LatentManifest.FILE)) {
      json.write(manifest.toJson());
    }
    long samples = written.stream().mapToLong(LatentTask.Written::samples).sum();
    output.commit("{\"status\":\"done\",\"latents\":%d}".formatted(samples));
    return LatentSet.open(out, hadoop);
  }

  private void check(LatentSet found, String datasetSha256) {
    if (!found.space().sha256().equals(sha256)) {
      throw new BadInputException(
          "Cannot use latents: latents=%s were made by first_stage=%s sha256=%s, expected those of checkpoint=%s sha256=%s; choose another task.first_stage.latents or --out"
              .formatted(
                  found.uri(),
                  found.manifest().firstStage(),
                  found.space().sha256(),
                  firstStage.path(),
                  sha256));
    }
    if (!found.manifest().datasetSha256().equals(datasetSha256)) {
      throw new BadInputException(
          "Cannot use latents: latents=%s were made of dataset=%s as it was with sha256=%s, expected dataset=%s sha256=%s; choose another task.first_stage.latents or --out"
              .formatted(
                  found.uri(),
                  found.manifest().dataset(),
                  found.manifest().datasetSha256(),
                  dataset.uri(),
                  datasetSha256));
    }
  }

  private List<LatentTask.Written> encode(
      JavaSparkContext context,
      List<Shard> shards,
      String checkpoint,
      String root,
      Configuration hadoop) {
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < shards.size(); i++) {
      numbers.add(i);
    }
    Opener open = opener;
    ArrayList<Shard> work = new ArrayList<>(shards);
    long samples = shards.stream().mapToLong(Shard::samples).sum();
    Progress progress = Progress.of(log, "encode", "images", 0, samples);
    context.setJobGroup("latents", "latents of " + dataset.uri(), true);
    try (TaskProgress done = new TaskProgress(context.sc(), progress, samples)) {
      LongAccumulator counter = done.counter();
      return context
          .parallelize(numbers, numbers.size())
          .map(i -> task(open, i, work.get(i), checkpoint, root, counter, conf.value().value()))
          .collect();
    } finally {
      context.clearJobGroup();
    }
  }

  private static LatentTask.Written task(
      Opener opener,
      int number,
      Shard shard,
      String checkpoint,
      String root,
      LongAccumulator counter,
      Configuration hadoop)
      throws IOException {
    TaskContext task = TaskContext.get();
    NativeRuntime.initialize(NativeRuntime.Settings.threads(task == null ? 1 : task.cpus()));
    try (VqCodec codec = new VqCodec(opener.open(checkpoint, hadoop), LatentTask.batch())) {
      return LatentTask.run(
          codec, shard, root, SHARDS + "/%05d.tar".formatted(number), counter, hadoop);
    }
  }

  /** Mean and deviation of each channel over the training samples. */
  private LatentSpace space(List<Shard> shards, List<LatentTask.Written> written) {
    int channels = written.get(0).sums().length / 2;
    int side = written.get(0).side();
    double[] sums = new double[2 * channels];
    long samples = 0;
    for (int i = 0; i < shards.size(); i++) {
      if (shards.get(i).split() == Split.TRAIN) {
        samples += written.get(i).samples();
        for (int c = 0; c < sums.length; c++) {
          sums[c] += written.get(i).sums()[c];
        }
      }
    }
    double count = (double) samples * side * side;
    List<Double> mean = new ArrayList<>();
    List<Double> deviation = new ArrayList<>();
    for (int c = 0; c < channels; c++) {
      double m = sums[c] / count;
      mean.add(m);
      deviation.add(Math.sqrt(sums[channels + c] / count - m * m));
    }
    return new LatentSpace(sha256, channels, side, mean, deviation);
  }
}

package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.jobs.train.RunDirectory;
import org.talespark.jobs.train.Sums;
import org.talespark.zoo.io.Dtype;
import org.talespark.zoo.io.SafetensorsWriter;
import org.talespark.zoo.io.TensorSource;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.vq.VqCodec;
import org.talespark.zoo.vq.VqMetrics;

/**
 * Pictures to codes and back, as a Spark job: {@code images/KEY.png} are the reconstructions,
 * {@code codes.safetensors} holds {@code codes} int32 [pictures, side, side], in the order of
 * {@code keys.txt}.
 *
 * <p>Each task writes its pictures and a part of the codes under names that depend only on its
 * input, so a task that runs twice writes the same files; the driver joins the parts and commits.
 */
public final class ReconstructJob {
  /** The command's name in its output. */
  public static final String COMMAND = "infer reconstruct";

  private static final int BATCH = 16;
  private static final List<String> ENTRIES =
      List.of("images", "codes.safetensors", "keys.txt", "parts");

  /**
   * What was reconstructed.
   *
   * @param psnr in dB over all pixels
   * @param psnrOfPictures mean of the pictures' own, in dB
   * @param codebookUsage share of the codes that occur
   */
  public record Result(
      long images,
      double psnr,
      double psnrOfPictures,
      double codebookUsage,
      double codebookPerplexity,
      double imagesPerSecond) {}

  private record Part(int index, List<String> keys, Map<String, double[]> sums)
      implements Serializable {}

  private final String checkpoint;
  private final String input;
  private final Split split;
  private final String out;

  /** Checks nothing yet; {@link #run} does. */
  public ReconstructJob(String checkpoint, String input, Split split, String out) {
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.input = requireNonNull(input, "input");
    this.split = requireNonNull(split, "split");
    this.out = requireNonNull(out, "out");
  }

  /** Writes everything but the commit; the caller commits with the result's line. */
  public Result run(SparkSession spark) throws IOException {
    long started = System.nanoTime();
    Configuration hadoop = spark.sessionState().newHadoopConf();
    Checkpoint opened = RunDirectory.checkpoint(checkpoint, hadoop);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    int parts = Math.max(2, context.defaultParallelism());
    List<PictureSource> sources = PictureSource.of(input, split, parts, hadoop);
    FileSystem fs = new Path(out).getFileSystem(hadoop);
    CommittedOutput output =
        CommittedOutput.open(fs, new Path(out), COMMAND, ENTRIES, CommittedOutput.Existing.REPLACE);

    String exact = opened.path().toString();
    String images = output.path("images").toString();
    String partDirectory = output.path("parts").toString();
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    context.setJobGroup("reconstruct", "reconstruct " + input, true);
    List<Part> done;
    try {
      List<Integer> indices = new ArrayList<>();
      for (int i = 0; i < sources.size(); i++) {
        indices.add(i);
      }
      Broadcast<ArrayList<PictureSource>> work = context.broadcast(new ArrayList<>(sources));
      done =
          context
              .parallelize(indices, indices.size())
              .map(
                  i ->
                      reconstruct(
                          i,
                          work.value().get(i),
                          exact,
                          images,
                          partDirectory,
                          conf.value().value()))
              .collect();
    } finally {
      context.clearJobGroup();
    }
    Map<String, double[]> sums = new LinkedHashMap<>();
    List<String> keys = new ArrayList<>();
    for (Part part : done) {
      Sums.add(sums, part.sums());
      keys.addAll(part.keys());
    }
    if (keys.isEmpty()) {
      throw new BadInputException(
          "Cannot reconstruct: input=%s split=%s holds no picture".formatted(input, split.id()));
    }
    join(output, fs, partDirectory, done, keys);
    Map<String, Double> metrics = VqMetrics.of(sums);
    return new Result(
        keys.size(),
        metrics.get(VqMetrics.PSNR),
        metrics.get(VqMetrics.MEAN_PSNR),
        metrics.get(VqMetrics.USAGE),
        metrics.get(VqMetrics.PERPLEXITY),
        keys.size() / ((System.nanoTime() - started) / 1e9));
  }

  /** Makes the output valid: {@code resultLine} is the result as {@code --json} prints it. */
  public void commit(SparkSession spark, String resultLine) throws IOException {
    CommittedOutput.commit(spark.sessionState().newHadoopConf(), out, COMMAND, ENTRIES, resultLine);
  }

  /** What a task does. */
  private static Part reconstruct(
      int index,
      PictureSource source,
      String checkpoint,
      String images,
      String parts,
      Configuration hadoop)
      throws IOException {
    TaskContext task = TaskContext.get();
    NativeRuntime.initialize(NativeRuntime.Settings.threads(task == null ? 1 : task.cpus()));
    List<String> keys = new ArrayList<>();
    Map<String, double[]> sums = new LinkedHashMap<>();
    Path part = part(parts, index);
    FileSystem fs = part.getFileSystem(hadoop);
    try (VqCodec codec = new VqCodec(LearnerFiles.pretrained(hadoop).apply(checkpoint), BATCH);
        DataOutputStream codes =
            new DataOutputStream(new BufferedOutputStream(fs.create(part, true)))) {
      int perPicture = 3 * codec.size() * codec.size();
      float[] pictures = new float[BATCH * perPicture];
      List<String> waiting = new ArrayList<>();
      source.forEach(
          hadoop,
          picture -> {
            float[] planar = Images.decodePlanar(picture.file(), codec.size());
            System.arraycopy(planar, 0, pictures, waiting.size() * perPicture, perPicture);
            waiting.add(picture.key());
            if (waiting.size() == BATCH) {
              Sums.add(sums, flush(codec, pictures, waiting, images, fs, codes));
              keys.addAll(waiting);
              waiting.clear();
            }
          });
      if (!waiting.isEmpty()) {
        Sums.add(sums, flush(codec, pictures, waiting, images, fs, codes));
        keys.addAll(waiting);
      }
    }
    return new Part(index, keys, sums);
  }

  private static Map<String, double[]> flush(
      VqCodec codec,
      float[] pictures,
      List<String> keys,
      String images,
      FileSystem fs,
      DataOutputStream codes)
      throws IOException {
    int perPicture = 3 * codec.size() * codec.size();
    VqCodec.Reconstruction result = codec.reconstruct(pictures, keys.size());
    for (int i = 0; i < keys.size(); i++) {
      float[] one = Arrays.copyOfRange(result.pictures(), i * perPicture, (i + 1) * perPicture);
      try (OutputStream file = fs.create(new Path(images, keys.get(i) + ".png"), true)) {
        file.write(Images.encodePng(one, codec.size()));
      }
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(4 * result.codes().length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(result.codes());
    codes.write(bytes.array());
    return VqMetrics.sums(
        pictures, result.pictures(), keys.size(), perPicture, result.codes(), codec.codes());
  }

  private static Path part(String directory, int index) {
    return new Path(directory, "codes-%05d".formatted(index));
  }

  /** Joins the parts of the codes, streaming. */
  private static void join(
      CommittedOutput output, FileSystem fs, String parts, List<Part> done, List<String> keys)
      throws IOException {
    long bytes = 0;
    for (Part part : done) {
      bytes += fs.getFileStatus(part(parts, part.index())).getLen();
    }
    long side = Math.round(Math.sqrt(bytes / 4.0 / keys.size()));
    TensorSource joined =
        new JoinedTensor(
            "codes",
            Dtype.I32,
            List.of((long) keys.size(), side, side),
            fs,
            done.stream().map(part -> part(parts, part.index())).toList());
    try (OutputStream out = output.create("codes.safetensors")) {
      SafetensorsWriter.write(out, Map.of(), List.of(joined));
    }
    try (OutputStream out = output.create("keys.txt")) {
      out.write((String.join("\n", keys) + "\n").getBytes(UTF_8));
    }
    fs.delete(new Path(parts), true);
  }
}

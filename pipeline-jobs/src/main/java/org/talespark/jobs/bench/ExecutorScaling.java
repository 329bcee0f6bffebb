package org.talespark.jobs.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.prepare.PrepareConfig;
import org.talespark.data.prepare.PrepareJob;
import org.talespark.data.prepare.PrepareProgress;
import org.talespark.jobs.cluster.ClusterConfig;
import org.talespark.jobs.cluster.Sessions;

/**
 * Times the prepare job on embedded clusters of one and of two executors with a core each ({@link
 * ProcessorEach}). They take turns; every cluster is new and prepares a part of the pictures first,
 * which does not count, for what a Java process needs to become fast is the same for a thousand
 * pictures and for a million.
 *
 * @param folder where photographs are
 * @param pictures how many of them there are
 * @param copies how often the job is given each
 * @param warmUp pictures that do not count, for each executor
 */
record ExecutorScaling(
    Path folder, int pictures, int copies, int warmUp, int size, int quality, int turns) {

  private static final int EXECUTOR_MB = 1536;
  private static final int HEAP_MB = 768;
  private static final int BARRIER_SECONDS = 60;
  private static final String JAVA_OPTIONS = "spark.executor.extraJavaOptions";

  /** What Java would see in a container of one core: its collector takes no other. */
  private static final String ONE_PROCESSOR = "-XX:ActiveProcessorCount=1";

  /**
   * Pictures a second.
   *
   * @param all of the job, from its start to the committed dataset
   * @param examining of its first stage alone, in which pictures are read, converted and hashed
   */
  record Rates(double all, double examining) {}

  /** What was found: medians of the rates, and medians of the ratios of each turn. */
  record Found(Rates one, Rates two, Rates ratio) {}

  /**
   * Measures.
   *
   * @param progress takes a line about each turn
   * @throws IOException when files cannot be written
   */
  Found run(Consumer<String> progress) throws IOException {
    Path scratch = Files.createTempDirectory("talespark-scaling");
    try {
      Path part = corpus(scratch.resolve("part"), Math.min(pictures, warmUp), 1);
      Path whole = corpus(scratch.resolve("whole"), pictures, copies);
      List<Rates> ones = new ArrayList<>();
      List<Rates> twos = new ArrayList<>();
      for (int turn = 0; turn < turns; turn++) {
        ones.add(rates(1, part, whole, scratch, progress));
        twos.add(rates(2, part, whole, scratch, progress));
        progress.accept(
            "turn %d of %d: one executor %.1f pictures/s, two %.1f; examining %.1f and %.1f"
                .formatted(
                    turn + 1,
                    turns,
                    ones.get(turn).all(),
                    twos.get(turn).all(),
                    ones.get(turn).examining(),
                    twos.get(turn).examining()));
      }
      List<Rates> ratios =
          IntStream.range(0, turns)
              .mapToObj(
                  i ->
                      new Rates(
                          twos.get(i).all() / ones.get(i).all(),
                          twos.get(i).examining() / ones.get(i).examining()))
              .toList();
      return new Found(median(ones), median(twos), median(ratios));
    } finally {
      delete(scratch);
    }
  }

  /** Photographs under new names with a caption each; links where the file system has them. */
  private Path corpus(Path to, int count, int copies) throws IOException {
    Files.createDirectories(to);
    for (int copy = 0; copy < copies; copy++) {
      for (int i = 0; i < count; i++) {
        String name = "%06d-%d".formatted(i, copy);
        Path photograph = folder.resolve("%06d.jpg".formatted(i));
        Path link = to.resolve(name + ".jpg");
        try {
          Files.createLink(link, photograph);
        } catch (IOException | UnsupportedOperationException e) { // another file system
          Files.copy(photograph, link);
        }
        Files.writeString(to.resolve(name + ".txt"), "photograph " + name, UTF_8);
      }
    }
    return to;
  }

  private Rates rates(int executors, Path part, Path whole, Path scratch, Consumer<String> progress)
      throws IOException {
    String master = "local-cluster[%d,1,%d]".formatted(executors, EXECUTOR_MB);
    ClusterConfig config =
        new ClusterConfig(
            HEAP_MB,
            EXECUTOR_MB - HEAP_MB,
            BARRIER_SECONDS,
            Map.of("spark.executor.memory", HEAP_MB + "m", JAVA_OPTIONS, ONE_PROCESSOR));
    Path out = scratch.resolve("dataset");
    try (SparkSession session = Sessions.open(master, "talespark bench prepare", config)) {
      if (!ProcessorEach.hold(session.sparkContext(), executors)) {
        progress.accept("executors=%d are not held to a processor each".formatted(executors));
      }
      for (int i = 0; i < executors; i++) { // as many pictures for each
        prepare(session, part, out);
      }
      return prepare(session, whole, out);
    } finally {
      delete(out);
    }
  }

  private Rates prepare(SparkSession session, Path corpus, Path out) throws IOException {
    delete(out);
    Examining examining = new Examining();
    PrepareConfig config =
        PrepareConfig.defaults()
            .with(
                Map.of(
                    "size", size, "image_format", "jpg", "jpeg_quality", quality, "dedup", "none"));
    PrepareJob.Result result =
        new PrepareJob(List.of(corpus.toString()), out.toString(), config)
            .reporting(examining)
            .run(session);
    double rows = result.imagesPerSecond() * result.seconds();
    return new Rates(result.imagesPerSecond(), rows / examining.seconds());
  }

  /** Takes the time from the stage's start to its last task's end. */
  private static final class Examining implements PrepareProgress {
    private volatile long start;
    private volatile long end;

    @Override
    public void at(String work, int done, int total) {
      if (work.equals("examine")) {
        long now = System.nanoTime();
        start = done == 0 ? now : start;
        end = now;
      }
    }

    double seconds() {
      return (end - start) / 1e9;
    }
  }

  private static Rates median(List<Rates> rates) {
    return new Rates(
        middle(rates.stream().mapToDouble(Rates::all).sorted().toArray()),
        middle(rates.stream().mapToDouble(Rates::examining).sorted().toArray()));
  }

  private static double middle(double[] sorted) {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}

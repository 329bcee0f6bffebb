package org.talespark.jobs.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.talespark.data.bench.PeerProgram;
import org.talespark.data.bench.Photographs;
import org.talespark.data.bench.PrepareBench;
import org.talespark.data.bench.PrepareFigures;
import org.talespark.jobs.Context;
import org.talespark.jobs.ForPeople;
import org.talespark.jobs.JobCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bench prepare}: photographs to small pictures, beside ImageIO and OpenCV from Python. */
@Command(
    name = "prepare",
    description = "Times decoding, resizing and encoding of photographs, beside ImageIO.")
public final class BenchPrepareCommand extends JobCommand {

  private static final int SCALING_WARM_UP = 1200;
  private static final int SCALING_TURNS = 3;

  @Option(
      names = "--pictures",
      paramLabel = "N",
      description = "Photographs to convert (${DEFAULT-VALUE}).")
  private int pictures = 2000;

  @Option(
      names = "--size",
      paramLabel = "PIXELS",
      description = "Side of the small pictures (${DEFAULT-VALUE}).")
  private int size = 256;

  @Option(
      names = "--quality",
      paramLabel = "1..100",
      description = "JPEG quality of the small pictures (${DEFAULT-VALUE}).")
  private int quality = 95;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads at the same time; without it the machine's processors.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--turns",
      paramLabel = "N",
      description = "Turns that each way takes, on a part of the pictures (${DEFAULT-VALUE}).")
  private int turns = 10;

  @Option(
      names = "--python",
      paramLabel = "COMMAND",
      description =
          "Also times this command, such as \"python3 pipeline-jobs/src/peers/prepare_opencv.py\".")
  private String python = "";

  @Option(
      names = "--executors",
      description =
          "Also times the whole prepare job on one executor and on two, which takes minutes.")
  private boolean executors;

  @Option(
      names = "--copies",
      paramLabel = "N",
      description = "With --executors: how often the job gets each photograph (${DEFAULT-VALUE}).")
  private int copies = 4;

  @Option(
      names = "--folder",
      paramLabel = "DIR",
      description =
          "Where the photographs are kept for the next time; without it the temporary folder.")
  private Path folder;

  /** The result with the keys of {@link PrepareFigures}. */
  record Figures(
      int pictures,
      int threads,
      int turns,
      double imagesPerSecondPerCore,
      double imageioImagesPerSecondPerCore,
      double imageioRatio,
      Double pythonImagesPerSecondPerCore,
      Double pythonRatio,
      Double oneExecutorImagesPerSecond,
      Double twoExecutorsImagesPerSecond,
      Double executorsRatio,
      Double examiningRatio)
      implements ForPeople {

    @Override
    public String text() {
      String text =
          "%d photographs, %d threads, medians of %d turns%n%.1f pictures a second on each core, ImageIO %.1f, ratio %.2f%n"
              .formatted(
                  pictures,
                  threads,
                  turns,
                  imagesPerSecondPerCore,
                  imageioImagesPerSecondPerCore,
                  imageioRatio);
      if (pythonRatio != null) {
        text +=
            "OpenCV from Python %.1f, ratio %.2f%n"
                .formatted(pythonImagesPerSecondPerCore, pythonRatio);
      }
      if (executorsRatio != null) {
        text +=
            "Whole jobs: one executor %.1f pictures a second, two %.1f, ratio %.2f; of the first stage %.2f%n"
                .formatted(
                    oneExecutorImagesPerSecond,
                    twoExecutorsImagesPerSecond,
                    executorsRatio,
                    examiningRatio);
      }
      return text;
    }
  }

  @Override
  protected Object run(Context context) throws IOException {
    Path photographs =
        folder == null ? Photographs.cache(Path.of(System.getProperty("java.io.tmpdir"))) : folder;
    if (copies < 1) {
      throw new IllegalArgumentException(
          "Cannot time preparation: --copies=%d, expected at least 1".formatted(copies));
    }
    List<String> command = python.isBlank() ? List.of() : PeerProgram.of(python).command();
    PrepareFigures found =
        PrepareBench.run(
            new PrepareBench.Settings(
                pictures, size, quality, threads, turns, command, photographs.toAbsolutePath()),
            context.log()::println);
    Optional<ExecutorScaling.Found> scaling = scaling(photographs.toAbsolutePath(), context);
    return new Figures(
        found.pictures(),
        found.threads(),
        found.turns(),
        rounded(found.imagesPerSecondPerCore()),
        rounded(found.imageioImagesPerSecondPerCore()),
        rounded(found.imageioRatio()),
        found.pythonImagesPerSecondPerCore().isPresent()
            ? (Double) rounded(found.pythonImagesPerSecondPerCore().getAsDouble())
            : null,
        found.pythonRatio().isPresent()
            ? (Double) rounded(found.pythonRatio().getAsDouble())
            : null,
        scaling.map(s -> rounded(s.one().all())).orElse(null),
        scaling.map(s -> rounded(s.two().all())).orElse(null),
        scaling.map(s -> rounded(s.ratio().all())).orElse(null),
        scaling.map(s -> rounded(s.ratio().examining())).orElse(null));
  }

  private Optional<ExecutorScaling.Found> scaling(Path photographs, Context context)
      throws IOException {
    if (!executors) {
      return Optional.empty();
    }
    return Optional.of(
        new ExecutorScaling(
                photographs, pictures, copies, SCALING_WARM_UP, size, quality, SCALING_TURNS)
            .run(context.log()::println));
  }

  private static double rounded(double value) {
    return Math.round(value * 100) / 100.0;
  }
}

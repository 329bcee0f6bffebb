package org.talespark.data.bench;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Times decoding, resizing and encoding of photographs, file to file, beside ImageIO and, if
 * wanted, a Python script. All take turns on the same pictures, so that whatever else happens on
 * the machine meets each of them. Before that every picture is read once, so that all of them find
 * it in memory, and each converts the same number of pictures that do not count, as many as the
 * Java compiler needs to be done with all of them.
 */
public final class PrepareBench {

  private static final int WARM_UP = 250;
  private static final int WARM_UPS = 2;
  private static final String OURS = "talespark";
  private static final String IMAGEIO = "imageio";
  private static final String PYTHON = "python";

  private PrepareBench() {}

  /**
   * How to measure.
   *
   * @param pictures how many photographs
   * @param size pixels a side of the results
   * @param quality of the results, 1 to 100
   * @param threads that work at the same time, as many as cores
   * @param turns into which the pictures are divided, at least 1
   * @param python the command of the Python script with all its words; empty to leave it out
   * @param folder where the photographs are and missing ones are written
   */
  public record Settings(
      int pictures,
      int size,
      int quality,
      int threads,
      int turns,
      List<String> python,
      Path folder) {
    public Settings {
      python = List.copyOf(python);
      requireNonNull(folder, "folder");
      if (turns < 1 || pictures < turns || threads < 1 || size < 1) {
        throw new IllegalArgumentException(
            "Cannot time preparation: pictures=%d turns=%d threads=%d size=%d, expected at least 1 and no fewer pictures than turns"
                .formatted(pictures, turns, threads, size));
      }
      if (quality < 1 || quality > 100) {
        throw new IllegalArgumentException(
            "Cannot time preparation: quality=%d, expected 1 to 100".formatted(quality));
      }
    }
  }

  /**
   * Makes the photographs that are missing and measures.
   *
   * @param progress takes a line about each turn
   * @throws IOException when pictures cannot be written or a peer fails
   */
  public static PrepareFigures run(Settings settings, Consumer<String> progress)
      throws IOException {
    progress.accept(
        "%d photographs of %dx%d in %s"
            .formatted(
                settings.pictures(), Photographs.WIDTH, Photographs.HEIGHT, settings.folder()));
    Photographs.fill(settings.folder(), settings.pictures(), settings.threads());
    List<Path> pictures =
        IntStream.range(0, settings.pictures())
            .mapToObj(i -> settings.folder().resolve(Photographs.name(i)))
            .toList();
    Path out = Files.createTempDirectory("talespark-bench");
    try {
      return measure(settings, pictures, out, progress);
    } finally {
      delete(out);
    }
  }

  private static PrepareFigures measure(
      Settings settings, List<Path> pictures, Path out, Consumer<String> progress)
      throws IOException {
    Map<String, Converter> converters = converters(settings);
    for (Path picture : pictures) { // else the first of each turn alone would wait for the disk
      Files.readAllBytes(picture);
    }
    List<Path> few = pictures.subList(0, Math.min(pictures.size(), WARM_UP * settings.threads()));
    for (int i = 0; i < WARM_UPS; i++) { // the compiler works on behind the first
      for (Converter converter : converters.values()) {
        converter.seconds(few, out);
      }
    }
    Map<String, List<Double>> rates = new LinkedHashMap<>();
    converters.keySet().forEach(name -> rates.put(name, new ArrayList<>()));
    for (int turn = 0; turn < settings.turns(); turn++) {
      int from = (int) ((long) pictures.size() * turn / settings.turns());
      int to = (int) ((long) pictures.size() * (turn + 1) / settings.turns());
      List<Path> part = pictures.subList(from, to);
      StringBuilder line =
          new StringBuilder("turn %d of %d:".formatted(turn + 1, settings.turns()));
      for (Map.Entry<String, Converter> each : converters.entrySet()) {
        double seconds = each.getValue().seconds(part, out);
        double rate = part.size() / seconds / settings.threads();
        rates.get(each.getKey()).add(rate);
        line.append(" %s %.1f".formatted(each.getKey(), rate));
      }
      progress.accept(line.append(" pictures/s a core").toString());
    }
    return figures(settings, rates);
  }

  private static Map<String, Converter> converters(Settings s) {
    Map<String, Converter> converters = new LinkedHashMap<>();
    converters.put(OURS, new OurConverter(s.size(), s.quality(), s.threads()));
    if (!s.python().isEmpty()) {
      converters.put(
          PYTHON,
          new PeerConverter(new PeerProgram(s.python()), s.size(), s.quality(), s.threads()));
    }
    converters.put(IMAGEIO, new ImageIoConverter(s.size(), s.quality(), s.threads()));
    return converters;
  }

  private static PrepareFigures figures(Settings settings, Map<String, List<Double>> rates) {
    List<Double> ours = rates.get(OURS);
    List<Double> imageIo = rates.get(IMAGEIO);
    List<Double> python = rates.get(PYTHON);
    return new PrepareFigures(
        settings.pictures(),
        settings.threads(),
        settings.turns(),
        median(ours),
        median(imageIo),
        ratio(ours, imageIo),
        python == null ? OptionalDouble.empty() : OptionalDouble.of(median(python)),
        python == null ? OptionalDouble.empty() : OptionalDouble.of(ratio(ours, python)));
  }

  private static double ratio(List<Double> ours, List<Double> other) {
    return median(
        IntStream.range(0, ours.size()).mapToObj(i -> ours.get(i) / other.get(i)).toList());
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static void delete(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}

package org.talespark.zoo.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The processor that this process runs on.
 *
 * @param arch JavaCPP's word for the architecture: {@code x86_64}, {@code arm64}, ...
 * @param vendor the vendor string, empty when unknown
 * @param family the processor family, -1 when unknown
 * @param model the model inside the family, -1 when unknown
 * @param name the marketing name, empty when unknown
 * @param flags instruction set flags as Linux names them; empty when unknown
 */
public record Processor(
    String arch, String vendor, int family, int model, String name, Set<String> flags) {

  /** What every AVX-512 build here needs: foundation, byte and word, vector length, double word. */
  static final Set<String> AVX512 = Set.of("avx512f", "avx512bw", "avx512vl", "avx512dq");

  static final Set<String> AVX2 = Set.of("avx2", "fma");

  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  public Processor {
    flags = Set.copyOf(flags);
  }

  /** The processor under this process; reads {@code /proc/cpuinfo} where there is one. */
  public static Processor detect() {
    String arch = arch(System.getProperty("os.arch", ""));
    if (!Files.isReadable(CPUINFO)) {
      return new Processor(arch, "", -1, -1, "", Set.of());
    }
    try {
      return parse(arch, Files.readAllLines(CPUINFO));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read processor flags: file=" + CPUINFO, e);
    }
  }

  /** Reads the first processor's block of {@code /proc/cpuinfo}. */
  static Processor parse(String arch, List<String> lines) {
    Map<String, String> fields = new TreeMap<>();
    for (String line : lines) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        fields.putIfAbsent(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
      }
    }
    String flags = fields.getOrDefault("flags", fields.getOrDefault("Features", ""));
    return new Processor(
        arch,
        fields.getOrDefault("vendor_id", ""),
        number(fields.get("cpu family")),
        number(fields.get("model")),
        fields.getOrDefault("model name", ""),
        new TreeSet<>(List.of(flags.split("\\s+"))));
  }

  boolean hasAvx512() {
    return flags.containsAll(AVX512);
  }

  boolean hasAvx2() {
    return flags.containsAll(AVX2);
  }

  private static int number(String text) {
    return text != null && text.matches("\\d+") ? Integer.parseInt(text) : -1;
  }

  private static String arch(String osArch) {
    return switch (osArch.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64", "x86-64" -> "x86_64";
      case "aarch64", "arm64" -> "arm64";
      default -> osArch;
    };
  }
}

package org.talespark.zoo.runtime;

import com.sun.jna.Library;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What OpenBLAS makes of this processor, and the remedy where it takes it for an older one. */
final class OpenBlas {

  /** The kernels that use AVX-512 and run on every processor that has it. */
  static final String AVX512_CORE = "SKYLAKEX";

  /**
   * Intel family 6 models with AVX-512 that OpenBLAS 0.3.19 recognises by itself: Skylake-X and its
   * steppings, Ice Lake, Tiger Lake, Rocket Lake, Sapphire Rapids.
   */
  private static final Set<Integer> KNOWN_INTEL =
      Set.of(0x55, 0x6a, 0x6c, 0x7d, 0x7e, 0x8c, 0x8d, 0xa7, 0x8f);

  private static final int RTLD_LAZY = 1; // dlopen(3); without RTLD_GLOBAL
  private static final Path MAPS = Path.of("/proc/self/maps");
  private static final Pattern LIBRARY = Pattern.compile(".*/libopenblas(_nolapack)?\\.[^/]*");

  private OpenBlas() {}

  /**
   * The value for {@code OPENBLAS_CORETYPE}, or empty when OpenBLAS's own choice is right. Only
   * processors with AVX-512 get one: elsewhere those kernels would end the process with an illegal
   * instruction.
   */
  static Optional<String> coreFor(Processor processor) {
    if (!processor.arch().equals("x86_64") || !processor.hasAvx512()) {
      return Optional.empty();
    }
    boolean known =
        processor.vendor().equals("GenuineIntel")
            && processor.family() == 6
            && KNOWN_INTEL.contains(processor.model());
    return known ? Optional.empty() : Optional.of(AVX512_CORE);
  }

  /** OpenBLAS's own configuration line, with the kernels in use; {@code unknown} if not loaded. */
  static String config() {
    return library().map(l -> string(l, "openblas_get_config")).orElse("unknown").strip();
  }

  /** The kernels that OpenBLAS runs, such as {@code SkylakeX}; {@code unknown} if not loaded. */
  static String core() {
    return library().map(l -> string(l, "openblas_get_corename")).orElse("unknown").strip();
  }

  /** Sets OpenBLAS's own thread count in every copy that is loaded. */
  static void threads(int threads) {
    for (NativeLibrary library : libraries()) {
      library.getFunction("openblas_set_num_threads").invokeVoid(new Object[] {threads});
    }
  }

  private static String string(NativeLibrary library, String function) {
    return library.getFunction(function).invokeString(new Object[0], false);
  }

  private static Optional<NativeLibrary> library() {
    return libraries().stream().findFirst();
  }

  /**
   * The copies of OpenBLAS in this process: JavaCPP's preset brings one with LAPACK and one
   * without, and the first in this list is the one that ND4J's matrix products run on.
   *
   * <p>They are opened without making their symbols global, which JNA would do by default: then the
   * two copies would call each other's functions, give buffers back to the wrong one, run out of
   * them and crash.
   */
  private static List<NativeLibrary> libraries() {
    Map<String, Object> local = Map.of(Library.OPTION_OPEN_FLAGS, RTLD_LAZY);
    return mapped(LIBRARY).stream()
        .sorted(Comparator.comparing(path -> !path.contains("_nolapack")))
        .map(path -> NativeLibrary.getInstance(path, local))
        .toList();
  }

  /** The first file mapped into this process whose path matches; empty where Linux is not. */
  static Optional<String> loaded(Pattern path) {
    return mapped(path).stream().findFirst();
  }

  private static List<String> mapped(Pattern path) {
    if (!Files.isReadable(MAPS)) {
      return List.of();
    }
    try (Stream<String> lines = Files.lines(MAPS)) {
      return lines
          .map(line -> line.indexOf('/') < 0 ? "" : line.substring(line.indexOf('/')))
          .filter(path.asMatchPredicate())
          .distinct()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list loaded libraries: file=" + MAPS, e);
    }
  }
}

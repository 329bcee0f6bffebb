package org.talespark.zoo.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A build of ND4J's CPU library, fastest first.
 *
 * <p>Builds without oneDNN exist too; a 3x3 convolution takes them four to seven times as long, so
 * they are used only where no other one fits.
 */
public enum NativeBuild {
  ONEDNN_AVX512("-onednn-avx512", Processor.AVX512),
  ONEDNN_AVX2("-onednn-avx2", Processor.AVX2),
  ONEDNN("-onednn", Set.of()),
  AVX512("-avx512", Processor.AVX512),
  AVX2("-avx2", Processor.AVX2),
  PLAIN("", Set.of());

  private final String extension;

  @SuppressWarnings("ImmutableEnumChecker") // only ever Set.of
  private final Set<String> flags;

  NativeBuild(String extension, Set<String> flags) {
    this.extension = extension;
    this.flags = flags;
  }

  /** What JavaCPP appends to the platform's name, such as {@code -onednn-avx512}. */
  public String extension() {
    return extension;
  }

  /** The processor flags that this build's code needs. */
  public Set<String> flags() {
    return flags;
  }

  /**
   * A choice and its reason.
   *
   * @param build the build to load
   * @param why one sentence for a person
   */
  public record Choice(NativeBuild build, String why) {}

  /**
   * The fastest available build that runs on a processor with these flags.
   *
   * @param flags instruction set flags as in {@code /proc/cpuinfo}
   * @param available the builds on the class path
   * @throws IllegalStateException when none fits
   */
  public static Choice choose(Set<String> flags, Set<NativeBuild> available) {
    List<String> passedOver = new ArrayList<>();
    for (NativeBuild build : values()) {
      Set<String> missing = new TreeSet<>(build.flags);
      missing.removeAll(flags);
      if (!missing.isEmpty()) {
        passedOver.add("'%s' needs %s".formatted(build.extension, String.join(" ", missing)));
      } else if (!available.contains(build)) {
        passedOver.add("'%s' is not on the class path".formatted(build.extension));
      } else {
        String why =
            build.flags.isEmpty()
                ? "it runs on every processor"
                : "the processor has " + String.join(" ", new TreeSet<>(build.flags));
        return new Choice(
            build, passedOver.isEmpty() ? why : why + "; " + String.join(", ", passedOver));
      }
    }
    throw new IllegalStateException(
        "Cannot choose an ND4J build: available=%s, expected one that this processor runs; try adding org.nd4j:nd4j-native with this platform's classifier to the class path"
            .formatted(available));
  }
}

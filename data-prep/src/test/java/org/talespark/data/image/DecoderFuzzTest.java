package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Damaged files of every kind are decoded or refused, in little time, and nothing else happens. */
class DecoderFuzzTest {

  private static final ImageDecoder CAREFUL =
      new ImageDecoder(new ImageDecoder.Limits(1, 1_000_000, 0));
  private static final Duration LIMIT = Duration.ofSeconds(20); // of a busy machine

  private static final List<byte[]> SOUND = List.copyOf(TruncationTest.FILES.values());

  /** Single bytes anywhere, many of them near the start, where headers are. */
  @Provide
  Arbitrary<byte[]> damaged() {
    Arbitrary<int[]> edits = Arbitraries.integers().array(int[].class).ofMinSize(1).ofMaxSize(8);
    return Combinators.combine(Arbitraries.of(SOUND), edits, Arbitraries.of(60, 400, 1 << 20))
        .as(
            (file, changes, reach) -> {
              byte[] copy = file.clone();
              for (int change : changes) {
                copy[Math.floorMod(change >> 8, Math.min(copy.length, reach))] = (byte) change;
              }
              return copy;
            });
  }

  /** Stretches moved, doubled or dropped. */
  @Provide
  Arbitrary<byte[]> shuffled() {
    Arbitrary<Double> place = Arbitraries.doubles().between(0, 1);
    return Combinators.combine(Arbitraries.of(SOUND), place, place, place)
        .as(
            (file, from, to, where) -> {
              int start = (int) (Math.min(from, to) * file.length);
              int end = (int) (Math.max(from, to) * file.length);
              byte[] part = Arrays.copyOfRange(file, start, end);
              return TestPictures.insert(file, (int) (where * file.length), part);
            });
  }

  @Property(tries = 1500)
  void damagedFilesAreDecodedOrRefused(@ForAll("damaged") byte[] file) {
    decode(file);
  }

  @Property(tries = 500)
  void shuffledFilesAreDecodedOrRefused(@ForAll("shuffled") byte[] file) {
    decode(file);
  }

  private static void decode(byte[] file) {
    long start = System.nanoTime();
    try {
      for (Resize.Mode mode : Resize.Mode.values()) {
        Pixels pixels = CAREFUL.decode(file, new Resize(mode, 16)).pixels();
        assertThat(Math.max(pixels.width(), pixels.height())).isEqualTo(16);
      }
    } catch (PictureException e) {
      assertThat(e.reason()).isNotNull();
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LIMIT);
  }
}

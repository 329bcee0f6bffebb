package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.talespark.data.Sha256;

/**
 * Decoder and encoder in Java give the same bytes in every version, so that shards are the same
 * too. Floats are strict and the picture is whole numbers, so the hashes hold on every machine; a
 * change of them belongs into the changelog.
 */
class StableBytesTest {

  /** Slopes, steps and noise. */
  private static Pixels picture(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    long state = 11;
    for (int i = 0; i < rgb.length; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      int x = i / 3 % width;
      int y = i / 3 / width;
      int slope = (x * (1 + i % 3) + y * (3 - i % 3)) / 4;
      int step = (x / 16 + y / 24) % 3 * 40;
      rgb[i] = (byte) Math.min(255, slope + step + (int) (state >>> 60));
    }
    return new Pixels(width, height, rgb);
  }

  private static String reduced(byte[] jpeg, int denominator) {
    double[] window = {26, 0, 211, 185};
    int size = 185 / denominator - 56 / denominator;
    return hash(ReducedJpeg.decode(new ByteView(jpeg), denominator, window, size, size).rgb());
  }

  private static String hash(byte[] bytes) {
    return Sha256.hex(bytes).substring(0, 16);
  }

  @ParameterizedTest
  @CsvSource({
    "40, 9785aac3da6926e2, 298a4034fcd6b90f, 703b67377fa8ed1a",
    "90, a88f9e1e2a6e00ac, f38ba7038fcc232e, 7099fb2771aa913f",
    "100, 37ed20205ed0b706, cfe3c06fb5301c0c, 55b4876c39215555"
  })
  void theSamePictureGivesTheSameBytes(int quality, String file, String quarter, String eighth) {
    byte[] jpeg = JpegWriter.encode(picture(237, 185), quality);
    assertThat(hash(jpeg)).isEqualTo(file);
    assertThat(reduced(jpeg, 4)).isEqualTo(quarter);
    assertThat(reduced(jpeg, 8)).isEqualTo(eighth);
  }
}

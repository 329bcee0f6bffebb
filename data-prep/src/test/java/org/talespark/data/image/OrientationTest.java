package org.talespark.data.image;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class OrientationTest {

  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.defaults());

  /** Which stored corner is shown top left, top right, bottom left, bottom right: EXIF 1 to 8. */
  private static final int[][] SHOWN = {
    {0, 1, 2, 3}, {1, 0, 3, 2}, {3, 2, 1, 0}, {2, 3, 0, 1},
    {0, 2, 1, 3}, {2, 0, 3, 1}, {3, 1, 2, 0}, {1, 3, 0, 2}
  };

  static Stream<Arguments> cases() {
    return Stream.of("jpg", "png", "webp", "tiff", "deep tiff")
        .flatMap(
            format ->
                Stream.iterate(1, i -> i + 1).limit(8).map(value -> Arguments.of(format, value)));
  }

  private static byte[] picture(String format, int width, int height) {
    BufferedImage image = TestPictures.corners(width, height);
    if (format.equals("deep tiff")) {
      byte[] deep = ColoursTest.deep(image);
      return TestPictures.recode(deep, ".tiff");
    }
    return TestPictures.file(image, format);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void allEightValuesAreAppliedInEveryFormatThatHasThem(String format, int value) {
    byte[] file = TestPictures.turned(picture(format, 64, 48), value);

    ImageDecoder.Decoded decoded = DECODER.decode(file, new Resize(Resize.Mode.KEEP_RATIO, 64));

    Assertions.assertThat(decoded.width()).isEqualTo(64);
    Assertions.assertThat(decoded.height()).isEqualTo(48);
    assertCorners(decoded.pixels(), value, 64, 48);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theyAreAppliedToLargePicturesThatAreReduced(String format, int value) {
    byte[] file = TestPictures.turned(picture(format, 642, 402), value);

    Pixels pixels = DECODER.decode(file, new Resize(Resize.Mode.KEEP_RATIO, 64)).pixels();
    assertCorners(pixels, value, 64, 40);
    assertCorners(DECODER.square(file, 32).pixels(), value, 32, 32);
    assertCorners(DECODER.square(file, 100).pixels(), value, 100, 100);
  }

  private static void assertCorners(Pixels pixels, int value, int width, int height) {
    Assertions.assertThat(pixels.width()).isEqualTo(value >= 5 ? height : width);
    Assertions.assertThat(pixels.height()).isEqualTo(value >= 5 ? width : height);
    for (int corner = 0; corner < 4; corner++) {
      Color wanted = TestPictures.CORNERS[SHOWN[value - 1][corner]];
      int x = corner % 2 == 0 ? pixels.width() / 8 : pixels.width() * 7 / 8;
      int y = corner / 2 == 0 ? pixels.height() / 8 : pixels.height() * 7 / 8;
      TestPictures.assertColour(
          pixels, x, y, wanted.getRed(), wanted.getGreen(), wanted.getBlue(), 12);
    }
  }

  @Test
  void senselessExifIsNoReasonToRefuseAPicture() {
    for (String format : List.of("jpg", "png", "webp")) {
      byte[] file = TestPictures.turned(picture(format, 64, 48), 0);
      assertCorners(DECODER.square(file, 16).pixels(), 1, 16, 16);
      file = TestPictures.turned(picture(format, 64, 48), 9);
      assertCorners(DECODER.square(file, 16).pixels(), 1, 16, 16);
    }
    byte[] short_ = {(byte) 0xFF, (byte) 0xE1, 0, 12, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42};
    byte[] file = TestPictures.insert(picture("jpg", 64, 48), 2, short_);
    assertCorners(DECODER.square(file, 16).pixels(), 1, 16, 16);
  }
}

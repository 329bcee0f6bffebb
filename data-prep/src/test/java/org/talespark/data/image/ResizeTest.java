package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.data.image.TestPictures.assertColour;

import java.awt.image.BufferedImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.talespark.data.image.Resize.Mode;

class ResizeTest {

  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.defaults());

  private static Pixels decode(BufferedImage image, String format, Mode mode, int size) {
    return DECODER.decode(TestPictures.file(image, format), new Resize(mode, size)).pixels();
  }

  @Test
  void paddingKeepsTheWholePictureOnWhite() {
    Pixels wide = decode(TestPictures.corners(80, 40), "png", Mode.PAD, 20);
    assertThat(wide.width()).isEqualTo(20);
    assertThat(wide.height()).isEqualTo(20);
    assertColour(wide, 10, 4, 255, 255, 255, 0);
    assertColour(wide, 10, 15, 255, 255, 255, 0);
    assertColour(wide, 0, 5, 255, 0, 0, 0);
    assertColour(wide, 19, 14, 255, 255, 0, 0);
    Pixels high = decode(TestPictures.corners(20, 80), "png", Mode.PAD, 40);
    assertColour(high, 14, 20, 255, 255, 255, 0);
    assertColour(high, 15, 0, 255, 0, 0, 0);
    assertColour(high, 24, 39, 255, 255, 0, 0);
    assertColour(high, 25, 20, 255, 255, 255, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "80, 40, 20, 20, 10",
    "40, 80, 20, 10, 20",
    "30, 30, 20, 20, 20",
    "10, 5, 20, 20, 10",
    "601, 7, 64, 64, 1",
    "1601, 1201, 256, 256, 192",
    "2049, 1000, 128, 128, 62"
  })
  void theLongerSideFitsAndTheProportionsStay(
      int width, int height, int size, int wantedWidth, int wantedHeight) {
    for (String format : new String[] {"png", "jpg"}) {
      Pixels pixels = decode(TestPictures.corners(width, height), format, Mode.KEEP_RATIO, size);
      assertThat(pixels.width()).isEqualTo(wantedWidth);
      assertThat(pixels.height()).isEqualTo(wantedHeight);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "CENTER_CROP, 512, 384, 96", "CENTER_CROP, 900, 700, 96", "CENTER_CROP, 1600, 1200, 120",
    "KEEP_RATIO, 512, 384, 200", "KEEP_RATIO, 1600, 1200, 128", "PAD, 1201, 1600, 130"
  })
  void reducedDecodingEqualsFullDecodingAndAreaFiltering(
      Mode mode, int width, int height, int size) {
    BufferedImage image = TestPictures.scenery(width, height, 5);
    byte[] jpeg = TestPictures.recode(TestPictures.file(image, "png"), ".jpg", 1, 95);
    byte[] full = TestPictures.recode(jpeg, ".png");

    Pixels reduced = DECODER.decode(jpeg, new Resize(mode, size)).pixels();
    Pixels plain = DECODER.decode(full, new Resize(mode, size)).pixels();

    assertThat(psnr(reduced, plain)).isGreaterThan(38);
  }

  static double psnr(Pixels a, Pixels b) {
    assertThat(a.rgb()).hasSameSizeAs(b.rgb());
    double sum = 0;
    for (int i = 0; i < a.rgb().length; i++) {
      double d = (a.rgb()[i] & 255) - (b.rgb()[i] & 255);
      sum += d * d;
    }
    return 10 * Math.log10(255.0 * 255.0 * a.rgb().length / Math.max(sum, 1e-9));
  }

  @Test
  void smallPicturesGrowWithoutSteps() {
    BufferedImage two = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
    two.setRGB(1, 0, 0xFFFFFF);
    Pixels pixels = decode(two, "png", Mode.KEEP_RATIO, 16);
    for (int x = 1; x < 16; x++) {
      int step = TestPictures.rgb(pixels, x, 4)[0] - TestPictures.rgb(pixels, x - 1, 4)[0];
      assertThat(step).isBetween(0, 40);
    }
    assertColour(decode(two, "png", Mode.CENTER_CROP, 4), 2, 2, 0, 0, 0, 0);
  }

  @Test
  void aPictureOfTheWantedSizeIsNotTouched() {
    BufferedImage image = TestPictures.scenery(48, 48, 1);
    for (Mode mode : Mode.values()) {
      Pixels pixels = decode(image, "png", mode, 48);
      for (int i = 0; i < 48 * 48; i++) {
        int[] rgb = TestPictures.rgb(pixels, i % 48, i / 48);
        assertThat(rgb[0] << 16 | rgb[1] << 8 | rgb[2])
            .isEqualTo(image.getRGB(i % 48, i / 48) & 0xFFFFFF);
      }
    }
  }

  @Test
  void modesHaveNamesAndSizesHaveLimits() {
    for (Mode mode : Mode.values()) {
      assertThat(Mode.of(mode.id())).isEqualTo(mode);
    }
    assertThat(Mode.CENTER_CROP.id()).isEqualTo("center_crop");
    assertThatThrownBy(() -> Mode.of("stretch"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("resize=stretch, expected one of center_crop, pad, keep_ratio");
    assertThatThrownBy(() -> Resize.square(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("size=0");
    assertThatThrownBy(() -> Resize.square(8193))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("size=8193");
  }
}

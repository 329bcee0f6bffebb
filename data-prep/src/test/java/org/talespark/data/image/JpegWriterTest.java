package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The encoder beside libjpeg: as good, as small, and read by everybody. */
class JpegWriterTest {

  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.defaults());

  private static Pixels pixels(BufferedImage image) {
    byte[] png = TestPictures.file(image, "png");
    int longer = Math.max(image.getWidth(), image.getHeight());
    return DECODER.decode(png, new Resize(Resize.Mode.KEEP_RATIO, longer)).pixels();
  }

  private static Pixels decoded(byte[] jpeg) {
    PictureHeader header = PictureHeader.of(jpeg);
    int longer = Math.max(header.width(), header.height());
    return DECODER.decode(jpeg, new Resize(Resize.Mode.KEEP_RATIO, longer)).pixels();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 10, 30, 50, 75, 90, 95, 98, 100})
  void filesAreAsGoodAndAsSmallAsLibjpegs(int quality) {
    BufferedImage image = TestPictures.scenery(160, 128, 4);
    Pixels pixels = pixels(image);
    byte[] ours = Images.encodeJpeg(pixels, quality);
    byte[] theirs =
        TestPictures.recode(
            TestPictures.file(image, "png"),
            ".jpg",
            opencv_imgcodecs.IMWRITE_JPEG_QUALITY,
            quality);
    assertThat(ours.length)
        .as("bytes at %d", quality)
        .isBetween((int) (theirs.length * 0.93), (int) (theirs.length * 1.03));
    assertThat(ResizeTest.psnr(decoded(ours), pixels))
        .isGreaterThan(ResizeTest.psnr(decoded(theirs), pixels) - 0.1);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "7, 9", "8, 8", "15, 17", "16, 16", "33, 2", "2, 33", "47, 64"})
  void allSizesAreWrittenWhole(int width, int height) throws IOException {
    Pixels pixels = pixels(TestPictures.scenery(width, height, 2));
    byte[] jpeg = Images.encodeJpeg(pixels, 95);
    BufferedImage read = ImageIO.read(new ByteArrayInputStream(jpeg));
    assertThat(read.getWidth()).isEqualTo(width);
    assertThat(read.getHeight()).isEqualTo(height);
    assertThat(ResizeTest.psnr(decoded(jpeg), pixels)).isGreaterThan(26);
  }

  @Test
  void noiseAndExtremesAreCodedWithoutOverflow() {
    byte[] rgb = new byte[3 * 64 * 64];
    long state = 7;
    for (int i = 0; i < rgb.length; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      rgb[i] = (byte) (state >>> 60 > 7 ? 255 : 0);
    }
    Pixels noise = new Pixels(64, 64, rgb);
    Pixels grey = new Pixels(64, 64, grey(rgb));
    for (int quality : new int[] {1, 50, 100}) {
      assertThat(decoded(Images.encodeJpeg(noise, quality)).width()).isEqualTo(64);
      assertThat(decoded(Images.encodeJpeg(grey, quality)).width()).isEqualTo(64);
    }
    assertThat(ResizeTest.psnr(decoded(Images.encodeJpeg(grey, 100)), grey)).isGreaterThan(45);
  }

  private static byte[] grey(byte[] rgb) {
    byte[] grey = rgb.clone();
    for (int i = 0; i < grey.length; i++) {
      grey[i] = rgb[i / 3 * 3];
    }
    return grey;
  }

  @Test
  void theSamePixelsGiveTheSameBytesAndColoursStay() {
    Pixels corners = pixels(TestPictures.corners(64, 64));
    assertThat(Images.encodeJpeg(corners, 90)).isEqualTo(Images.encodeJpeg(corners, 90));
    Pixels back = decoded(Images.encodeJpeg(corners, 95));
    TestPictures.assertColour(back, 10, 10, 255, 0, 0, 4);
    TestPictures.assertColour(back, 50, 10, 0, 255, 0, 4);
    TestPictures.assertColour(back, 10, 50, 0, 0, 255, 4);
    TestPictures.assertColour(back, 50, 50, 255, 255, 0, 4);
  }

  @Test
  void whatAJpegCannotHoldIsRefused() {
    assertThatThrownBy(() -> Images.encodeJpeg(new Pixels(1, 1, new byte[3]), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("quality=0");
    assertThatThrownBy(() -> Images.encodeJpeg(new Pixels(65_501, 1, new byte[3 * 65_501]), 90))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("width=65501");
  }
}

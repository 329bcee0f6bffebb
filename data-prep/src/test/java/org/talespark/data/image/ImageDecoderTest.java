package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.talespark.data.Reason;

class ImageDecoderTest {

  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.defaults());

  /** Red left half, blue right half, 40 by 40. */
  private static BufferedImage halves(int type) {
    BufferedImage image = new BufferedImage(40, 40, type);
    Graphics2D g = image.createGraphics();
    g.setColor(Color.RED);
    g.fillRect(0, 0, 20, 40);
    g.setColor(Color.BLUE);
    g.fillRect(20, 0, 20, 40);
    g.dispose();
    return image;
  }

  private static byte[] file(BufferedImage image, String format) throws IOException {
    if (format.equals("webp")) {
      return webp(file(image, "png"));
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, bytes)).isTrue();
    return bytes.toByteArray();
  }

  @SuppressWarnings({"try", "unchecked"})
  private static byte[] webp(byte[] png) {
    try (PointerScope scope = new PointerScope()) {
      Mat mat =
          opencv_imgcodecs.imdecode(
              new Mat(1, png.length, opencv_core.CV_8UC1, new BytePointer(png)),
              opencv_imgcodecs.IMREAD_COLOR);
      BytePointer out = new BytePointer();
      assertThat(opencv_imgcodecs.imencode(".webp", mat, out)).isTrue();
      byte[] bytes = new byte[(int) out.limit()];
      out.get(bytes);
      return bytes;
    }
  }

  private static int[] rgb(Pixels pixels, int x, int y) {
    int at = 3 * (y * pixels.width() + x);
    return new int[] {
      pixels.rgb()[at] & 0xFF, pixels.rgb()[at + 1] & 0xFF, pixels.rgb()[at + 2] & 0xFF
    };
  }

  private static void assertColour(
      Pixels pixels, int x, int y, int r, int g, int b, int tolerance) {
    int[] found = rgb(pixels, x, y);
    assertThat(found[0]).isCloseTo(r, within(tolerance));
    assertThat(found[1]).isCloseTo(g, within(tolerance));
    assertThat(found[2]).isCloseTo(b, within(tolerance));
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "gif", "bmp", "tiff", "webp"})
  void everyFormatIsReadInColourAndInTheRightPlace(String format) throws IOException {
    byte[] file = file(halves(BufferedImage.TYPE_INT_RGB), format);

    ImageDecoder.Decoded decoded = DECODER.square(file, 20);

    assertThat(decoded.width()).isEqualTo(40);
    assertThat(decoded.pixels().width()).isEqualTo(20);
    assertColour(decoded.pixels(), 4, 10, 255, 0, 0, 6);
    assertColour(decoded.pixels(), 15, 10, 0, 0, 255, 6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "gif", "bmp", "tiff", "webp"})
  void aFileCutShortIsTruncatedWhereverItIsCut(String format) throws IOException {
    byte[] file = file(halves(BufferedImage.TYPE_INT_RGB), format);
    for (int length : new int[] {13, 20, file.length / 2, file.length * 3 / 4}) {
      PictureException e =
          catchThrowableOfType(
              PictureException.class, () -> DECODER.square(Arrays.copyOf(file, length), 20));
      assertThat(e).as("%s at %d of %d", format, length, file.length).isNotNull();
      assertThat(e.reason()).as("%s at %d", format, length).isEqualTo(Reason.TRUNCATED);
    }
  }

  @Test
  void transparencyIsLaidOnWhite() throws IOException {
    BufferedImage image = new BufferedImage(10, 10, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(3, 3, 0x80FF0000);
    Pixels pixels = DECODER.square(file(image, "png"), 10).pixels();
    assertColour(pixels, 0, 0, 255, 255, 255, 0);
    assertColour(pixels, 3, 3, 255, 127, 127, 1);
    Pixels gif = DECODER.square(file(gifOnTransparent(), "gif"), 10).pixels();
    assertColour(gif, 0, 0, 255, 255, 255, 0);
  }

  private static BufferedImage gifOnTransparent() {
    BufferedImage image = new BufferedImage(10, 10, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(3, 3, 0xFFFF0000);
    return image;
  }

  @Test
  void greySixteenBitAndPaletteBecomeEightBitRgb() throws IOException {
    BufferedImage grey = new BufferedImage(10, 10, BufferedImage.TYPE_BYTE_GRAY);
    grey.getRaster().setSample(5, 5, 0, 200);
    assertColour(DECODER.square(file(grey, "png"), 10).pixels(), 5, 5, 200, 200, 200, 0);
    BufferedImage deep = new BufferedImage(10, 10, BufferedImage.TYPE_USHORT_GRAY);
    deep.getRaster().setSample(5, 5, 0, 200 * 257);
    assertColour(DECODER.square(file(deep, "png"), 10).pixels(), 5, 5, 200, 200, 200, 0);
    BufferedImage indexed = halves(BufferedImage.TYPE_BYTE_INDEXED);
    assertColour(DECODER.square(file(indexed, "png"), 40).pixels(), 5, 5, 255, 0, 0, 0);
  }

  @Test
  void exifOrientationTurnsJpegs() throws IOException {
    byte[] plain = file(halves(BufferedImage.TYPE_INT_RGB), "jpg");
    byte[] upsideDown = withOrientation(plain, 3);
    byte[] quarter = withOrientation(plain, 6); // to be turned clockwise
    assertColour(DECODER.square(upsideDown, 40).pixels(), 5, 20, 0, 0, 255, 6);
    assertColour(DECODER.square(quarter, 40).pixels(), 20, 5, 255, 0, 0, 6);
    assertColour(DECODER.square(quarter, 40).pixels(), 20, 35, 0, 0, 255, 6);
  }

  /** Puts an EXIF block right behind the start-of-image marker. */
  private static byte[] withOrientation(byte[] jpeg, int orientation) {
    byte[] exif = new byte[36];
    byte[] head = {(byte) 0xFF, (byte) 0xE1, 0, 34};
    System.arraycopy(head, 0, exif, 0, 4);
    System.arraycopy(
        "Exif\0\0MM\0*\0\0\0\u0008".getBytes(StandardCharsets.ISO_8859_1), 0, exif, 4, 14);
    byte[] entry = {0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte) orientation, 0, 0, 0, 0, 0, 0};
    System.arraycopy(entry, 0, exif, 18, 18);
    byte[] out = new byte[jpeg.length + exif.length];
    System.arraycopy(jpeg, 0, out, 0, 2);
    System.arraycopy(exif, 0, out, 2, exif.length);
    System.arraycopy(jpeg, 2, out, 2 + exif.length, jpeg.length - 2);
    return out;
  }

  @Test
  void theCentreIsCutOutAndAveraged() throws IOException {
    BufferedImage wide = new BufferedImage(60, 20, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = wide.createGraphics();
    g.setColor(Color.GREEN);
    g.fillRect(20, 0, 20, 20);
    g.dispose();
    Pixels pixels = DECODER.square(file(wide, "png"), 10).pixels();
    for (int x = 0; x < 10; x++) {
      assertColour(pixels, x, 5, 0, 255, 0, 0);
    }
    BufferedImage checks = new BufferedImage(20, 20, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 400; i++) {
      checks.setRGB(i % 20, i / 20, (i + i / 20) % 2 == 0 ? 0xFFFFFF : 0);
    }
    assertColour(DECODER.square(file(checks, "png"), 10).pixels(), 4, 4, 128, 128, 128, 1);
  }

  @Test
  void limitsAreCheckedFromTheHeaderAlone() throws IOException {
    byte[] png = file(halves(BufferedImage.TYPE_INT_RGB), "png");
    assertReason(new ImageDecoder.Limits(41, 1000000, 0), png, Reason.TOO_SMALL);
    assertReason(new ImageDecoder.Limits(1, 1599, 0), png, Reason.TOO_MANY_PIXELS);
    BufferedImage wide = new BufferedImage(60, 20, BufferedImage.TYPE_INT_RGB);
    assertReason(new ImageDecoder.Limits(1, 10000, 2.5), file(wide, "png"), Reason.BAD_ASPECT);
    assertReason(ImageDecoder.Limits.defaults(), new byte[0], Reason.EMPTY_FILE);
    assertReason(
        ImageDecoder.Limits.defaults(),
        "<svg></svg> is no picture here".getBytes(StandardCharsets.UTF_8),
        Reason.UNSUPPORTED_FORMAT);
  }

  private static void assertReason(ImageDecoder.Limits limits, byte[] file, Reason reason) {
    PictureException e =
        catchThrowableOfType(
            PictureException.class, () -> new ImageDecoder(limits).square(file, 8));
    assertThat(e.reason()).isEqualTo(reason);
  }

  @Test
  void largeJpegsAreDecodedSmallAndStillRight() throws IOException {
    BufferedImage large = new BufferedImage(1600, 1200, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = large.createGraphics();
    g.setColor(Color.RED);
    g.fillRect(0, 0, 800, 1200);
    g.setColor(Color.BLUE);
    g.fillRect(800, 0, 800, 1200);
    g.dispose();
    Pixels pixels = DECODER.square(file(large, "jpg"), 64).pixels();
    assertThat(pixels.width()).isEqualTo(64);
    assertColour(pixels, 16, 32, 255, 0, 0, 6);
    assertColour(pixels, 48, 32, 0, 0, 255, 6);
  }

  @Test
  void planesGoToPngAndBackUnchanged() {
    float[] planes = new float[3 * 16 * 16];
    for (int i = 0; i < planes.length; i++) {
      planes[i] = (i % 256) / 127.5f - 1f;
    }
    float[] back = Images.decodePlanar(Images.encodePng(planes, 16), 16);
    assertThat(back).containsExactly(planes, within(1e-6f));
    Pixels clamped = Images.pixels(new float[] {-3f, 0f, 3f}, 1);
    assertThat(rgb(clamped, 0, 0)).containsExactly(0, 128, 255);
    assertThatThrownBy(() -> Images.pixels(new float[5], 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("values=5");
  }

  @Test
  void aGridHoldsItsPicturesInOrderOnWhite() throws IOException {
    byte[] red = Images.encodePng(new Pixels(1, 1, new byte[] {(byte) 255, 0, 0}));
    byte[] blue = Images.encodePng(new Pixels(1, 1, new byte[] {0, 0, (byte) 255}));
    byte[] grid = Grid.png(List.of(List.of(red, blue), List.of(blue)), 8, 2);
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(grid));
    assertThat(image.getWidth()).isEqualTo(22);
    assertThat(image.getHeight()).isEqualTo(22);
    assertThat(image.getRGB(0, 0)).isEqualTo(0xFFFFFFFF);
    assertThat(image.getRGB(5, 5)).isEqualTo(0xFFFF0000);
    assertThat(image.getRGB(15, 5)).isEqualTo(0xFF0000FF);
    assertThat(image.getRGB(5, 15)).isEqualTo(0xFF0000FF);
    assertThat(image.getRGB(15, 15)).isEqualTo(0xFFFFFFFF);
  }

  @Test
  void decodingFreesItsNativeMemory() throws IOException {
    byte[] file = file(halves(BufferedImage.TYPE_INT_ARGB), "png");
    byte[] jpeg = file(halves(BufferedImage.TYPE_INT_RGB), "jpg");
    DECODER.square(file, 16);
    long before = org.bytedeco.javacpp.Pointer.totalBytes();
    for (int i = 0; i < 200; i++) {
      Images.encodePng(DECODER.square(i % 2 == 0 ? file : jpeg, 16).pixels());
    }
    assertThat(org.bytedeco.javacpp.Pointer.totalBytes()).isLessThanOrEqualTo(before);
    assertThat(opencv_core.getNumThreads()).isEqualTo(1);
  }
}

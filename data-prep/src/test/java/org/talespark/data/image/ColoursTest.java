package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.talespark.data.image.TestPictures.assertColour;
import static org.talespark.data.image.TestPictures.file;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.zip.Deflater;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.talespark.data.Reason;

/** Whatever a file stores its colours as, they come out right. */
class ColoursTest {

  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.defaults());
  private static final byte[] PNG_SIGNATURE = TestPictures.ascii("\u0089PNG\r\n\u001a\n");

  private static Pixels decode(byte[] file) {
    PictureHeader header = PictureHeader.of(file);
    return DECODER.decode(file, new Resize(Resize.Mode.KEEP_RATIO, header.width())).pixels();
  }

  /** A PNG from its rows as stored (each with its filter byte) and extra chunks before them. */
  private static byte[] png(int side, int bits, int colour, byte[] rows, byte[]... chunks) {
    byte[] head =
        ByteBuffer.allocate(13)
            .putInt(side)
            .putInt(side)
            .put((byte) bits)
            .put((byte) colour)
            .array();
    Deflater deflater = new Deflater();
    deflater.setInput(rows);
    deflater.finish();
    byte[] packed = new byte[rows.length + 100];
    int length = deflater.deflate(packed);
    deflater.end();
    return TestPictures.concat(
        PNG_SIGNATURE,
        TestPictures.chunk("IHDR", head),
        TestPictures.concat(chunks),
        TestPictures.chunk("IDAT", Arrays.copyOf(packed, length)),
        TestPictures.chunk("IEND", new byte[0]));
  }

  /** One pixel's 16-bit samples as a PNG of side 4. */
  private static byte[] deepPng(int colour, int... samples) {
    ByteBuffer rows = ByteBuffer.allocate(4 * (1 + 4 * 2 * samples.length));
    for (int y = 0; y < 4; y++) {
      rows.put((byte) 0);
      for (int x = 0; x < 4; x++) {
        for (int sample : samples) {
          rows.putShort((short) sample);
        }
      }
    }
    return png(4, 16, colour, rows.array());
  }

  /** The picture as a PNG of 16 bits a sample. */
  static byte[] deep(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] plain = file(image, "png");
    byte[] rows = new byte[height * (1 + 6 * width)];
    for (int y = 0; y < height; y++) {
      ShortBuffer row =
          ByteBuffer.wrap(rows, y * (1 + 6 * width) + 1, 6 * width)
              .order(ByteOrder.BIG_ENDIAN)
              .asShortBuffer();
      for (int x = 0; x < width; x++) {
        int rgb = image.getRGB(x, y);
        row.put((short) ((rgb >> 16 & 255) * 257));
        row.put((short) ((rgb >> 8 & 255) * 257));
        row.put((short) ((rgb & 255) * 257));
      }
    }
    byte[] head = Arrays.copyOfRange(plain, 16, 29);
    head[8] = 16;
    head[9] = 2;
    Deflater deflater = new Deflater();
    deflater.setInput(rows);
    deflater.finish();
    byte[] packed = new byte[rows.length + 100];
    int length = deflater.deflate(packed);
    deflater.end();
    return TestPictures.concat(
        PNG_SIGNATURE,
        TestPictures.chunk("IHDR", head),
        TestPictures.chunk("IDAT", Arrays.copyOf(packed, length)),
        TestPictures.chunk("IEND", new byte[0]));
  }

  @Test
  void sixteenBitAlphaIsBlendedBeforeTheBitsAreDropped() {
    // 8-bit blending would take alpha 0x0140 for 1 of 255 and lose a quarter of the colour
    assertColour(decode(deepPng(6, 0, 0x8000, 0xFFFF, 0x8000)), 1, 1, 127, 191, 255, 0);
    assertColour(decode(deepPng(6, 0, 0, 0, 0x0140)), 1, 1, 254, 254, 254, 0);
    assertColour(decode(deepPng(6, 0, 0, 0, 0x007F)), 1, 1, 255, 255, 255, 0);
    assertColour(decode(deepPng(6, 0x1234, 0xFEDC, 0x7F00, 0xFFFF)), 1, 1, 18, 254, 127, 0);
    assertColour(decode(deepPng(4, 0, 0x4000)), 1, 1, 191, 191, 191, 0);
    byte[] tiff = TestPictures.recode(deepPng(6, 0, 0x8000, 0xFFFF, 0x8000), ".tiff");
    assertColour(decode(tiff), 1, 1, 127, 191, 255, 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {".png", ".tiff"})
  void sixteenBitsAreRoundedToEight(String extension) {
    byte[] colour = TestPictures.recode(deepPng(2, 100 * 257 + 120, 40 * 257 - 120, 0), extension);
    assertColour(decode(colour), 2, 2, 100, 40, 0, 0);
    byte[] grey = TestPictures.recode(deepPng(0, 77 * 257 + 128), extension);
    assertColour(decode(grey), 2, 2, 77, 77, 77, 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8})
  void palettesOfAllDepthsAreReadWithTheirTransparency(int bits) {
    byte[] palette = {(byte) 200, 10, 20, 0, (byte) 100, (byte) 250};
    byte[] row = new byte[1 + (4 * bits + 7) / 8];
    for (int x = 2; x < 4; x++) { // the right half has the second colour
      row[1 + x * bits / 8] |= (byte) (1 << (8 - bits - x * bits % 8));
    }
    byte[] rows = TestPictures.concat(row, row, row, row);
    byte[] opaque = png(4, bits, 3, rows, TestPictures.chunk("PLTE", palette));
    assertColour(decode(opaque), 0, 1, 200, 10, 20, 0);
    assertColour(decode(opaque), 3, 1, 0, 100, 250, 0);
    byte[] clear =
        png(
            4,
            bits,
            3,
            rows,
            TestPictures.chunk("PLTE", palette),
            TestPictures.chunk("tRNS", new byte[] {(byte) 255, 51}));
    assertColour(decode(clear), 0, 1, 200, 10, 20, 0);
    assertColour(decode(clear), 3, 1, 204, 224, 254, 0);
  }

  @Test
  void aPngsTransparentColourIsLaidOnWhite() {
    byte[] row = {0, 10, 20, 30, 10, 20, 31, 10, 20, 30, 9, 9, 9};
    byte[] rows = TestPictures.concat(row, row, row, row);
    byte[] key = TestPictures.chunk("tRNS", new byte[] {0, 10, 0, 20, 0, 30});
    Pixels pixels = decode(png(4, 8, 2, rows, key));
    assertColour(pixels, 0, 0, 255, 255, 255, 0);
    assertColour(pixels, 1, 0, 10, 20, 31, 0);
    byte[] grey = {0, 0x12, 0x34};
    byte[] greyRows = TestPictures.concat(grey, grey, grey, grey);
    Pixels levels = decode(png(4, 4, 0, greyRows, TestPictures.chunk("tRNS", new byte[] {0, 3})));
    assertColour(levels, 1, 2, 0x22, 0x22, 0x22, 0);
    assertColour(levels, 2, 2, 255, 255, 255, 0);
  }

  @ParameterizedTest
  @CsvSource({
    // Adobe's files store ink inverted: 255 is none
    "0, 255 255 255 255, 255 255 255",
    "0, 0 255 255 255, 0 255 255",
    "0, 255 0 255 255, 255 0 255",
    "0, 255 255 255 0, 0 0 0",
    "0, 255 200 100 128, 128 100 50",
    // YCCK: the first three are the YCbCr of what is missing to the inverted inks
    "2, 0 128 128 255, 255 255 255",
    "2, 179 171 1 255, 255 0 0",
    "2, 226 0 149 128, 0 0 128",
    // without Adobe's marker, as every browser reads them
    "-1, 255 200 100 128, 128 100 50"
  })
  void cmykAndYcckHaveTheirColours(int adobe, String samples, String rgb) {
    int[] values = Arrays.stream(samples.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
    int[] wanted = Arrays.stream(rgb.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
    for (int side : new int[] {16, 160}) {
      Pixels pixels = DECODER.square(FlatJpeg.of(side, adobe, values), 16).pixels();
      assertColour(pixels, 8, 8, wanted[0], wanted[1], wanted[2], 2);
    }
  }

  @Test
  void jpegsOfOneAndThreeComponentsHaveTheirColours() {
    for (int side : new int[] {16, 64, 160}) {
      assertColour(square(FlatJpeg.of(side, FlatJpeg.NO_ADOBE, 77)), 5, 5, 77, 77, 77, 1);
      assertColour(square(FlatJpeg.of(side, FlatJpeg.NO_ADOBE, 76, 85, 255)), 5, 5, 254, 0, 0, 1);
      assertColour(square(FlatJpeg.of(side, 1, 76, 85, 255)), 5, 5, 254, 0, 0, 1);
      assertColour(square(FlatJpeg.of(side, 0, 10, 85, 255)), 5, 5, 10, 85, 255, 1); // plain RGB
    }
  }

  private static Pixels square(byte[] file) {
    return DECODER.square(file, 16).pixels();
  }

  @Test
  void webpsWithAlphaAreLaidOnWhite() {
    BufferedImage image = new BufferedImage(16, 16, BufferedImage.TYPE_INT_ARGB);
    for (int i = 0; i < 256; i++) {
      image.setRGB(i % 16, i / 16, i % 16 < 8 ? 0x80FF0000 : 0);
    }
    byte[] lossless =
        TestPictures.recode(
            file(image, "png"), ".webp", opencv_imgcodecs.IMWRITE_WEBP_QUALITY, 101);
    byte[] lossy = file(image, "webp");
    for (byte[] file : new byte[][] {lossless, lossy}) {
      assertThat(PictureHeader.of(file).channels()).isEqualTo(4);
      assertColour(decode(file), 2, 8, 255, 127, 127, 4);
      assertColour(decode(file), 13, 8, 255, 255, 255, 0);
    }
  }

  @Test
  void bitmapsOfOneToThirtyTwoBitsAreRead() {
    byte[] two = {(byte) 255, 0};
    IndexColorModel model = new IndexColorModel(1, 2, two, new byte[] {0, 0}, two);
    BufferedImage one = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_BINARY, model);
    WritableRaster raster = one.getRaster();
    raster.setSample(9, 3, 0, 1);
    assertColour(decode(file(one, "bmp")), 9, 3, 0, 0, 0, 0);
    assertColour(decode(file(one, "bmp")), 8, 3, 255, 0, 255, 0);
    BufferedImage white = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_BINARY);
    white.getRaster().setSample(9, 3, 0, 1);
    assertColour(decode(file(white, "tiff")), 9, 3, 255, 255, 255, 0);
    assertColour(decode(file(white, "tiff")), 8, 3, 0, 0, 0, 0);
    BufferedImage plain = TestPictures.corners(16, 16);
    byte[] full = bitmap32(plain, 0);
    assertColour(decode(full), 12, 4, 0, 255, 0, 0); // the fourth byte means nothing here
    assertColour(decode(bitmap32(plain, 255)), 12, 12, 255, 255, 0, 0);
  }

  /** An uncompressed bitmap of 32 bits; its fourth bytes are reserved. */
  private static byte[] bitmap32(BufferedImage image, int fourth) {
    int side = image.getWidth();
    ByteBuffer out = ByteBuffer.allocate(54 + 4 * side * side).order(ByteOrder.LITTLE_ENDIAN);
    out.put((byte) 'B').put((byte) 'M').putInt(out.capacity()).putInt(0).putInt(54);
    out.putInt(40).putInt(side).putInt(side).putShort((short) 1).putShort((short) 32);
    out.position(54);
    for (int i = 0; i < side * side; i++) {
      out.putInt((image.getRGB(i % side, side - 1 - i / side) & 0xFFFFFF) | fourth << 24);
    }
    return out.array();
  }

  @Test
  void samplesOfOtherKindsAreUnsupportedAndNotGuessed() {
    byte[] twelve = FlatJpeg.of(16, FlatJpeg.NO_ADOBE, 77);
    int frame = indexOf(twelve, 0xC0);
    twelve[frame + 3] = 12;
    assertReason(twelve, Reason.UNSUPPORTED_FORMAT);
    byte[] png = file(TestPictures.corners(16, 16), "png");
    png[24] = 7;
    assertReason(png, Reason.UNDECODABLE);
  }

  private static int indexOf(byte[] file, int marker) {
    for (int i = 0; ; i++) {
      if (file[i] == (byte) 0xFF && file[i + 1] == (byte) marker) {
        return i + 1;
      }
    }
  }

  private static void assertReason(byte[] file, Reason reason) {
    assertThat(
            org.assertj.core.api.Assertions.catchThrowableOfType(
                    PictureException.class, () -> DECODER.square(file, 8))
                .reason())
        .isEqualTo(reason);
  }
}

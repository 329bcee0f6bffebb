package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.talespark.data.Reason;

/** Cut files, wrong names, bombs: refused for the right reason, and never half a picture. */
class TruncationTest {

  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.defaults());
  private static final int CUTS = 250;

  static final Map<String, byte[]> FILES = files();

  private static Map<String, byte[]> files() {
    BufferedImage image = TestPictures.scenery(96, 72, 3);
    byte[] png = TestPictures.file(image, "png");
    byte[] jpeg = TestPictures.file(image, "jpg");
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("png", png);
    files.put("interlaced png", written(image, "png", true));
    files.put("deep png", ColoursTest.deep(image));
    files.put("jpeg", jpeg);
    files.put("progressive jpeg", written(image, "jpeg", true));
    files.put("jpeg with a thumbnail", withThumbnail(jpeg));
    files.put("large jpeg", TestPictures.file(TestPictures.scenery(640, 400, 2), "jpg"));
    files.put("gif", TestPictures.file(image, "gif"));
    files.put("bmp", TestPictures.file(image, "bmp"));
    files.put("tiff, directory last", TestPictures.recode(png, ".tiff"));
    files.put("tiff, directory first", TestPictures.file(image, "tiff"));
    files.put("deep tiff", TestPictures.recode(ColoursTest.deep(image), ".tiff"));
    files.put("webp", TestPictures.recode(png, ".webp"));
    int lossless = opencv_imgcodecs.IMWRITE_WEBP_QUALITY;
    files.put("lossless webp", TestPictures.recode(png, ".webp", lossless, 101));
    files.put("extended webp", TestPictures.turned(TestPictures.recode(png, ".webp"), 1));
    return files;
  }

  /** By the JDK's writer, progressive or interlaced. */
  private static byte[] written(BufferedImage image, String format, boolean progressive) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      if (progressive) {
        param.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
      }
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, null), param);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /** A whole JPEG inside a block of the other one, as cameras write it. */
  private static byte[] withThumbnail(byte[] jpeg) {
    byte[] small = TestPictures.file(TestPictures.corners(32, 24), "jpg");
    int length = small.length + 2;
    byte[] head = {(byte) 0xFF, (byte) 0xE2, (byte) (length >> 8), (byte) length};
    return TestPictures.insert(jpeg, 2, TestPictures.concat(head, small));
  }

  static Stream<String> names() {
    return FILES.keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("names")
  void aFileCutAnywhereIsRefusedUnlessItsPictureIsWhole(String name) {
    byte[] file = FILES.get(name);
    byte[] whole = DECODER.square(file, 24).pixels().rgb();
    int step = Math.max(1, file.length / CUTS);
    int refused = 0;
    int cuts = 0;
    for (int length = 1; length < file.length; length += length < 100 ? 1 : step) {
      byte[] cut = Arrays.copyOf(file, length);
      cuts++;
      try {
        assertThat(DECODER.square(cut, 24).pixels().rgb())
            .as("%s to %d", name, length)
            .isEqualTo(whole);
      } catch (PictureException e) {
        refused++;
        Set<Reason> expected =
            length < 18
                ? Set.of(Reason.TRUNCATED, Reason.UNSUPPORTED_FORMAT)
                : Set.of(Reason.TRUNCATED, Reason.UNDECODABLE);
        assertThat(expected).as("%s to %d", name, length).contains(e.reason());
      }
    }
    assertThat(refused).as(name).isGreaterThan((int) (0.97 * cuts));
  }

  @ParameterizedTest
  @MethodSource("names")
  void aFileFilledUpWithZerosOrNoiseIsNoCrash(String name) {
    byte[] file = FILES.get(name);
    for (int part = 1; part < 20; part++) {
      byte[] filled = file.clone();
      Arrays.fill(filled, file.length * part / 20, file.length, (byte) (part % 2 == 0 ? 0 : 0xA5));
      try {
        assertThat(DECODER.square(filled, 24).pixels().rgb()).hasSize(3 * 24 * 24);
      } catch (PictureException e) {
        assertThat(e.reason()).isIn(Reason.TRUNCATED, Reason.UNDECODABLE);
      }
    }
  }

  @Test
  void theContentDecidesAndNotWhatTheFileSeemsToBe() {
    FILES.forEach((name, file) -> assertThat(name).contains(DECODER.square(file, 8).format().id()));
    for (String text : new String[] {"<html></html>", "<svg xmlns=''/>", "%PDF-1.4 and so on..."}) {
      assertReason(TestPictures.ascii(text), Reason.UNSUPPORTED_FORMAT);
    }
    assertReason(new byte[0], Reason.EMPTY_FILE);
    assertReason(new byte[5000], Reason.UNSUPPORTED_FORMAT);
  }

  @Test
  void aBombCostsNothing() {
    byte[] png = FILES.get("png").clone();
    png[16] = 0;
    png[17] = 3; // 200,000 pixels wide and high
    png[21] = 3;
    assertReason(png, Reason.TOO_MANY_PIXELS);
    byte[] bmp = FILES.get("bmp").clone();
    bmp[20] = 100;
    bmp[24] = 100;
    assertReason(bmp, Reason.TOO_MANY_PIXELS);
    byte[] gif = FILES.get("gif").clone();
    Arrays.fill(gif, 6, 10, (byte) 0xFF);
    assertReason(gif, Reason.TOO_MANY_PIXELS);
    byte[] jpeg = FILES.get("jpeg").clone();
    int frame = frame(jpeg);
    Arrays.fill(jpeg, frame + 3, frame + 7, (byte) 0xFF);
    assertReason(jpeg, Reason.TOO_MANY_PIXELS);
  }

  private static int frame(byte[] jpeg) {
    int at = 2;
    while (jpeg[at + 1] != (byte) 0xC0) {
      at += 2 + ((jpeg[at + 2] & 255) << 8 | (jpeg[at + 3] & 255));
    }
    return at + 2;
  }

  @Test
  void aJpegOfThousandsOfScansIsRefused() {
    byte[] jpeg = FlatJpeg.of(16, FlatJpeg.NO_ADOBE, 100);
    int scan = jpeg.length;
    while (!(jpeg[scan - 2] == (byte) 0xFF && jpeg[scan - 1] == (byte) 0xDA)) {
      scan--;
    }
    byte[] one = Arrays.copyOfRange(jpeg, scan - 2, jpeg.length - 2);
    byte[] many = jpeg;
    for (int i = 0; i < 200; i++) {
      many = TestPictures.insert(many, scan - 2, one);
    }
    assertReason(many, Reason.UNDECODABLE);
  }

  private static void assertReason(byte[] file, Reason reason) {
    PictureException e =
        catchThrowableOfType(PictureException.class, () -> DECODER.square(file, 8));
    assertThat(e).isNotNull();
    assertThat(e.reason()).isEqualTo(reason);
  }
}

package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.talespark.data.Reason;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Reduced decoding beside libjpeg's full decoding and averaging. */
class ReducedJpegTest {

  private static final BufferedImage IMAGE = TestPictures.scenery(523, 387, 9);
  private static final double[] WHOLE = {0, 0, 523, 387};

  private static Pixels reduced(byte[] jpeg, int denominator, int width, int height) {
    return ReducedJpeg.decode(new ByteView(jpeg), denominator, WHOLE, width, height);
  }

  /** Through a PNG, which is decoded whole. */
  private static Pixels full(byte[] jpeg, int size) {
    byte[] png = TestPictures.recode(jpeg, ".png");
    return new ImageDecoder(ImageDecoder.Limits.defaults())
        .decode(png, new Resize(Resize.Mode.KEEP_RATIO, size))
        .pixels();
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 1", "1, 2", "2, 2"})
  void allSamplingsOfChromaAreRead(int across, int down) throws IOException {
    byte[] jpeg = sampled(across, down);
    assertThat(ResizeTest.psnr(reduced(jpeg, 4, 100, 74), full(jpeg, 100))).isGreaterThan(40);
    assertThat(ResizeTest.psnr(reduced(jpeg, 8, 50, 37), full(jpeg, 50))).isGreaterThan(40);
  }

  private static byte[] sampled(int across, int down) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality(0.95f);
      IIOMetadata metadata =
          writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(IMAGE), param);
      String name = metadata.getNativeMetadataFormatName();
      Element root = (Element) metadata.getAsTree(name);
      NodeList components = root.getElementsByTagName("componentSpec");
      ((Element) components.item(0)).setAttribute("HsamplingFactor", Integer.toString(across));
      ((Element) components.item(0)).setAttribute("VsamplingFactor", Integer.toString(down));
      metadata.setFromTree(name, root);
      writer.setOutput(out);
      writer.write(null, new IIOImage(IMAGE, null, metadata), param);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  @Test
  void restartMarkersChangeNothing() {
    byte[] png = TestPictures.file(IMAGE, "png");
    int option = opencv_imgcodecs.IMWRITE_JPEG_RST_INTERVAL;
    byte[] plain = TestPictures.recode(png, ".jpg");
    byte[] restarted = TestPictures.recode(png, ".jpg", option, 3);
    assertThat(restarted.length).isGreaterThan(plain.length);
    assertThat(reduced(restarted, 4, 90, 66).rgb()).isEqualTo(reduced(plain, 4, 90, 66).rgb());
  }

  @Test
  void greyIsReadAndProgressiveLeftToOpenCv() {
    BufferedImage grey = new BufferedImage(523, 387, BufferedImage.TYPE_BYTE_GRAY);
    grey.createGraphics().drawImage(IMAGE, 0, 0, null);
    byte[] jpeg = TestPictures.recode(TestPictures.file(grey, "png"), ".jpg");
    assertThat(ResizeTest.psnr(reduced(jpeg, 4, 100, 74), full(jpeg, 100))).isGreaterThan(40);
    byte[] progressive =
        TestPictures.recode(
            TestPictures.file(IMAGE, "png"), ".jpg", opencv_imgcodecs.IMWRITE_JPEG_PROGRESSIVE, 1);
    assertThat(reduced(progressive, 4, 100, 74)).isNull();
    assertThat(reduced(FlatJpeg.of(64, 0, 1, 2, 3), 4, 16, 16)).isNull(); // plain RGB
    assertThat(reduced(FlatJpeg.of(64, 2, 1, 2, 3, 4), 4, 16, 16)).isNull(); // YCCK
  }

  @Test
  void aCutScanWithAnEndPutBehindItIsTruncated() {
    byte[] jpeg = TestPictures.recode(TestPictures.file(IMAGE, "png"), ".jpg");
    for (int part = 3; part < 10; part++) {
      byte[] cut = Arrays.copyOf(jpeg, jpeg.length * part / 10);
      cut[cut.length - 1] = 0;
      byte[] ended = TestPictures.concat(cut, new byte[] {(byte) 0xFF, (byte) 0xD9});
      PictureException e =
          catchThrowableOfType(PictureException.class, () -> reduced(ended, 4, 90, 66));
      assertThat(e).isNotNull();
      assertThat(e.reason()).isIn(Reason.TRUNCATED, Reason.UNDECODABLE);
    }
  }
}

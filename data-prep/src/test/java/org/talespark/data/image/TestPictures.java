package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.awt.image.RenderedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;

/** Picture files for tests. */
final class TestPictures {

  /** Corners of {@link #corners}: top left, top right, bottom left, bottom right. */
  static final Color[] CORNERS = {Color.RED, Color.GREEN, Color.BLUE, Color.YELLOW};

  private TestPictures() {}

  /** Four quarters of different colours. */
  static BufferedImage corners(int width, int height) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    for (int i = 0; i < 4; i++) {
      g.setColor(CORNERS[i]);
      g.fillRect(i % 2 * width / 2, i / 2 * height / 2, (width + 1) / 2, (height + 1) / 2);
    }
    g.dispose();
    return image;
  }

  /** Smooth colours with detail, the same for the same seed. */
  static BufferedImage scenery(int width, int height, long seed) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    long state = seed * 2 + 1;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        state = state * 6364136223846793005L + 1442695040888963407L;
        int noise = (int) (state >>> 60);
        int r = (int) (120 + 90 * Math.sin(x / 37.0 + seed) + noise);
        int g = (int) (110 + 90 * Math.cos(y / 23.0) + noise);
        int b = (int) (120 + 60 * Math.sin((x + y) / 11.0) + noise);
        image.setRGB(x, y, r << 16 | g << 8 | b);
      }
    }
    return image;
  }

  /** Format {@code webp} goes through OpenCV, all others through the JDK. */
  static byte[] file(RenderedImage image, String format) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      boolean webp = format.equals("webp");
      assertThat(ImageIO.write(image, webp ? "png" : format, bytes)).isTrue();
      return webp ? recode(bytes.toByteArray(), ".webp") : bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A picture file in another of OpenCV's formats, with all its channels and bits. */
  @SuppressWarnings({"try", "unchecked"})
  static byte[] recode(byte[] file, String extension, int... options) {
    OpenCv.ready();
    try (PointerScope scope = new PointerScope()) {
      Mat mat =
          opencv_imgcodecs.imdecode(
              new Mat(1, file.length, opencv_core.CV_8UC1, new BytePointer(file)),
              opencv_imgcodecs.IMREAD_UNCHANGED);
      BytePointer out = new BytePointer();
      assertThat(opencv_imgcodecs.imencode(extension, mat, out, new IntPointer(options))).isTrue();
      byte[] bytes = new byte[(int) out.limit()];
      out.get(bytes);
      return bytes;
    }
  }

  /** The picture with an EXIF block that holds this orientation and nothing else. */
  static byte[] turned(byte[] file, int orientation) {
    PictureFormat format = PictureHeader.of(file).format();
    return switch (format) {
      case JPEG -> {
        byte[] exif = concat(ascii("Exif\0\0"), exif(orientation));
        byte[] head = {(byte) 0xFF, (byte) 0xE1, 0, (byte) (exif.length + 2)};
        yield insert(file, 2, concat(head, exif));
      }
      case PNG -> insert(file, 33, chunk("eXIf", exif(orientation)));
      case WEBP -> extended(file, exif(orientation));
      case TIFF -> tiffEntry(file, orientation);
      case BMP, GIF -> throw new IllegalArgumentException(format.id());
    };
  }

  /** A TIFF structure with one entry, big endian. */
  private static byte[] exif(int orientation) {
    byte[] entry = {0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte) orientation, 0, 0, 0, 0, 0, 0};
    return concat(ascii("MM\0*\0\0\0\u0008"), entry);
  }

  /** A PNG chunk with its checksum. */
  static byte[] chunk(String type, byte[] data) {
    byte[] body = concat(ascii(type), data);
    CRC32 crc = new CRC32();
    crc.update(body);
    return ByteBuffer.allocate(body.length + 8)
        .putInt(data.length)
        .put(body)
        .putInt((int) crc.getValue())
        .array();
  }

  /** A simple WebP as an extended one with an EXIF chunk behind the picture. */
  private static byte[] extended(byte[] webp, byte[] exif) {
    PictureHeader header = PictureHeader.of(webp);
    byte[] body = Arrays.copyOfRange(webp, 12, webp.length);
    ByteBuffer out =
        ByteBuffer.allocate(12 + 18 + body.length + 8 + exif.length).order(ByteOrder.LITTLE_ENDIAN);
    out.put(ascii("RIFF")).putInt(out.capacity() - 8).put(ascii("WEBPVP8X")).putInt(10).putInt(8);
    for (int side : new int[] {header.width() - 1, header.height() - 1}) {
      out.put((byte) side).put((byte) (side >> 8)).put((byte) (side >> 16));
    }
    return out.put(body).put(ascii("EXIF")).putInt(exif.length).put(exif).array();
  }

  /** A TIFF whose directory is copied to the end with one more entry. */
  private static byte[] tiffEntry(byte[] tiff, int orientation) {
    ByteBuffer in = ByteBuffer.wrap(tiff);
    in.order(tiff[0] == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    int directory = in.getInt(4);
    int entries = in.getShort(directory);
    ByteBuffer out = ByteBuffer.allocate(tiff.length + 2 + 12 * entries + 12 + 4);
    out.order(in.order()).put(tiff).putInt(4, tiff.length);
    out.putShort((short) (entries + 1));
    boolean placed = false;
    for (int i = 0; i < entries; i++) {
      int at = directory + 2 + 12 * i;
      if (!placed && in.getShort(at) > 274) {
        placed = true;
        out.putShort((short) 274).putShort((short) 3).putInt(1);
        out.putShort((short) orientation).putShort((short) 0);
      }
      out.put(tiff, at, 12);
    }
    assertThat(placed).isTrue();
    return out.putInt(0).array();
  }

  static byte[] insert(byte[] file, int at, byte[] part) {
    return concat(Arrays.copyOf(file, at), part, Arrays.copyOfRange(file, at, file.length));
  }

  static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  static int[] rgb(Pixels pixels, int x, int y) {
    int at = 3 * (y * pixels.width() + x);
    return new int[] {
      pixels.rgb()[at] & 0xFF, pixels.rgb()[at + 1] & 0xFF, pixels.rgb()[at + 2] & 0xFF
    };
  }

  static void assertColour(Pixels pixels, int x, int y, int r, int g, int b, int tolerance) {
    int[] found = rgb(pixels, x, y);
    assertThat(found[0]).as("red of %d,%d", x, y).isCloseTo(r, within(tolerance));
    assertThat(found[1]).as("green of %d,%d", x, y).isCloseTo(g, within(tolerance));
    assertThat(found[2]).as("blue of %d,%d", x, y).isCloseTo(b, within(tolerance));
  }
}

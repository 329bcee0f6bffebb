package org.talespark.data.prepare;

import java.awt.Color;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;
import org.talespark.data.image.Pixels;

/** Picture files of every kind that corpora hold. */
final class OddPictures {

  private OddPictures() {}

  /** A picture of an {@link BufferedImage} type, unlike those of other seeds. */
  static BufferedImage image(int seed, int side, int type) {
    Pixels pixels = Scratch.pixels(seed, side, side);
    BufferedImage image = new BufferedImage(side, side, type);
    for (int i = 0; i < side * side; i++) {
      byte[] rgb = pixels.rgb();
      Color colour = new Color(rgb[3 * i] & 0xFF, rgb[3 * i + 1] & 0xFF, rgb[3 * i + 2] & 0xFF);
      image.setRGB(i % side, i / side, colour.getRGB());
    }
    return image;
  }

  /** In a format that the JDK writes. */
  static byte[] file(int seed, int type, String format) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    if (!ImageIO.write(image(seed, 40, type), format, bytes)) {
      throw new IllegalStateException("no writer for " + format);
    }
    return bytes.toByteArray();
  }

  static byte[] rgb(int seed, String format) throws IOException {
    return file(seed, BufferedImage.TYPE_INT_RGB, format);
  }

  static byte[] webp(int seed) throws IOException {
    byte[] png = rgb(seed, "png");
    try (BytePointer in = new BytePointer(png);
        Mat raw = new Mat(1, png.length, org.bytedeco.opencv.global.opencv_core.CV_8UC1, in);
        Mat picture = opencv_imgcodecs.imdecode(raw, opencv_imgcodecs.IMREAD_COLOR);
        BytePointer out = new BytePointer()) {
      opencv_imgcodecs.imencode(".webp", picture, out);
      byte[] bytes = new byte[(int) out.limit()];
      out.get(bytes);
      return bytes;
    }
  }

  /** Four samples a pixel and no word on what they mean: CMYK. */
  static byte[] cmyk(int seed) throws IOException {
    WritableRaster raster = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 40, 40, 4, null);
    BufferedImage image = image(seed, 40, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < 40; y++) {
      for (int x = 0; x < 40; x++) {
        int rgb = image.getRGB(x, y);
        raster.setPixel(x, y, new int[] {rgb >> 16 & 0xFF, rgb >> 8 & 0xFF, rgb & 0xFF, 200});
      }
    }
    return written("jpeg", new IIOImage(raster, null, null), false);
  }

  static byte[] progressive(int seed) throws IOException {
    return written(
        "jpeg", new IIOImage(image(seed, 40, BufferedImage.TYPE_INT_RGB), null, null), true);
  }

  private static byte[] written(String format, IIOImage image, boolean progressive)
      throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      ImageWriteParam param = writer.getDefaultWriteParam();
      if (progressive) {
        param.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
      }
      writer.write(null, image, param);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /** A GIF of two frames. */
  static byte[] animated(int seed) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("gif").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.prepareWriteSequence(null);
      for (int frame = 0; frame < 2; frame++) {
        BufferedImage image = image(seed + 1000 * frame, 40, BufferedImage.TYPE_BYTE_INDEXED);
        IIOImage one =
            new IIOImage(
                image, null, writer.getDefaultImageMetadata(new ImageTypeSpecifier(image), null));
        writer.writeToSequence(one, null);
      }
      writer.endWriteSequence();
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /** RGBA of 16 bits, half transparent. */
  static byte[] deepAlpha(int seed) throws IOException {
    ComponentColorModel model =
        new ComponentColorModel(
            ColorSpace.getInstance(ColorSpace.CS_sRGB),
            true,
            false,
            Transparency.TRANSLUCENT,
            DataBuffer.TYPE_USHORT);
    BufferedImage deep =
        new BufferedImage(model, model.createCompatibleWritableRaster(40, 40), false, null);
    BufferedImage image = image(seed, 40, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < 40; y++) {
      for (int x = 0; x < 40; x++) {
        int rgb = image.getRGB(x, y);
        int[] samples = {(rgb >> 8) & 0xFF00, rgb & 0xFF00, (rgb << 8) & 0xFF00, 0x8000};
        deep.getRaster().setPixel(x, y, samples);
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(deep, "png", bytes);
    return bytes.toByteArray();
  }

  /** A JPEG that says how it is turned. */
  static byte[] turned(int seed, int orientation) throws IOException {
    byte[] jpeg = rgb(seed, "jpeg");
    byte[] exif = {
      (byte) 0xFF,
      (byte) 0xE1,
      0,
      34,
      'E',
      'x',
      'i',
      'f',
      0,
      0,
      'M',
      'M',
      0,
      42,
      0,
      0,
      0,
      8,
      0,
      1,
      1,
      0x12,
      0,
      3,
      0,
      0,
      0,
      1,
      0,
      (byte) orientation,
      0,
      0,
      0,
      0,
      0,
      0
    };
    byte[] turned = Arrays.copyOf(jpeg, jpeg.length + exif.length);
    System.arraycopy(exif, 0, turned, 2, exif.length);
    System.arraycopy(jpeg, 2, turned, 2 + exif.length, jpeg.length - 2);
    return turned;
  }

  /** The file with some bytes replaced. */
  static byte[] patched(byte[] file, int at, int... bytes) {
    byte[] patched = file.clone();
    for (int i = 0; i < bytes.length; i++) {
      patched[at + i] = (byte) bytes[i];
    }
    return patched;
  }

  static byte[] cut(byte[] file, int length) {
    return Arrays.copyOf(file, length < 0 ? file.length + length : length);
  }
}

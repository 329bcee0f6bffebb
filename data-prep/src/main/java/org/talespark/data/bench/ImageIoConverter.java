package org.talespark.data.bench;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;

/** What a Java program does without a library: read whole, draw small, write. */
record ImageIoConverter(int size, int quality, int threads) implements JavaConverter {

  ImageIoConverter {
    ImageIO.setUseCache(false); // streams in memory, not in files
  }

  @Override
  public byte[] convert(Path picture) throws IOException {
    return encoded(small(ImageIO.read(picture.toFile())));
  }

  private BufferedImage small(BufferedImage large) {
    int side = Math.min(large.getWidth(), large.getHeight());
    int left = (large.getWidth() - side) / 2;
    int top = (large.getHeight() - side) / 2;
    BufferedImage small = new BufferedImage(size, size, BufferedImage.TYPE_3BYTE_BGR);
    Graphics2D g = small.createGraphics();
    g.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    g.drawImage(large, 0, 0, size, size, left, top, left + side, top + side, null);
    g.dispose();
    return small;
  }

  private byte[] encoded(BufferedImage image) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality(quality / 100f);
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, null), param);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }
}

package org.talespark.data.bench;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;

/** What a Java program does without a library: read whole, draw small, write. */
record ImageIoConverter(int size, int quality, int threads) implements Converter {

  @Override
  public double seconds(List<Path> pictures, Path out) throws IOException {
    ImageIO.setUseCache(false);
    long start = System.nanoTime();
    Threads.each(
        threads,
        pictures.size(),
        i -> {
          Path picture = pictures.get(i);
          write(small(ImageIO.read(picture.toFile())), out.resolve(picture.getFileName()));
        });
    return (System.nanoTime() - start) / 1e9;
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

  private void write(BufferedImage image, Path file) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    Files.deleteIfExists(file);
    try (ImageOutputStream out = ImageIO.createImageOutputStream(file.toFile())) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality(quality / 100f);
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, null), param);
    } finally {
      writer.dispose();
    }
  }
}

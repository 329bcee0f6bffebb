package org.talespark.data.image;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.talespark.data.Reason;

/** The first frame of a GIF, on white. OpenCV 4.5 reads no GIF, the JDK does. */
final class GifDecoder {

  private GifDecoder() {}

  static Pixels decode(byte[] file, PictureHeader header) {
    ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
    try (MemoryCacheImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
      reader.setInput(in, true, true);
      BufferedImage frame = reader.read(0);
      ByteView view = new ByteView(file);
      long descriptor = GifStructure.firstFrame(view);
      BufferedImage screen =
          new BufferedImage(header.width(), header.height(), BufferedImage.TYPE_3BYTE_BGR);
      Graphics2D g = screen.createGraphics();
      try {
        g.setColor(Color.WHITE);
        g.fillRect(0, 0, header.width(), header.height());
        g.drawImage(frame, view.u16le(descriptor + 1), view.u16le(descriptor + 3), null);
      } finally {
        g.dispose();
      }
      return rgb(screen);
    } catch (IOException | RuntimeException e) {
      throw new PictureException(
          Reason.UNDECODABLE, "Cannot decode GIF: " + e.getClass().getSimpleName(), e);
    } finally {
      reader.dispose();
    }
  }

  private static Pixels rgb(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] rgb = new byte[3 * width * height];
    int[] row = new int[width];
    int at = 0;
    for (int y = 0; y < height; y++) {
      image.getRGB(0, y, width, 1, row, 0, width);
      for (int pixel : row) {
        rgb[at++] = (byte) (pixel >> 16);
        rgb[at++] = (byte) (pixel >> 8);
        rgb[at++] = (byte) pixel;
      }
    }
    return new Pixels(width, height, rgb);
  }
}

package org.talespark.jobs.report;

import java.awt.image.RenderedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;

/**
 * A picture inside a page.
 *
 * @param dataUri the PNG file as a data URI
 * @param caption under the picture, may be empty
 */
public record Picture(String dataUri, String caption) {

  /** A picture from the bytes of a PNG file. */
  public static Picture png(byte[] file, String caption) {
    return new Picture(
        "data:image/png;base64," + Base64.getEncoder().encodeToString(file), caption);
  }

  /** A picture from an image in memory. */
  public static Picture of(RenderedImage image, String caption) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      if (!ImageIO.write(image, "png", out)) {
        throw new IllegalStateException("Cannot write picture: no PNG writer for " + image);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write picture", e);
    }
    return png(out.toByteArray(), caption);
  }
}

package org.talespark.data.dedup;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.talespark.data.image.ImageDecoder;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;

/** What happens to pictures on their way through the world. */
final class Copies {

  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.defaults());

  private Copies() {}

  /** Every kind of copy that dedup should find, by name. */
  static Map<String, UnaryOperator<Pixels>> kinds() {
    Map<String, UnaryOperator<Pixels>> kinds = new LinkedHashMap<>();
    kinds.put("jpeg 75", picture -> jpeg(picture, 75));
    kinds.put("half", picture -> scaled(picture, picture.width() / 2));
    kinds.put("brighter", picture -> lit(picture, 1.05));
    kinds.put("darker", picture -> lit(picture, 0.95));
    kinds.put("cropped left and top", picture -> cropped(picture, pixel(picture), 0));
    kinds.put("cropped right and bottom", picture -> cropped(picture, 0, pixel(picture)));
    return kinds;
  }

  /** One or two hundredths of the side. */
  private static int pixel(Pixels picture) {
    return Math.max(1, picture.width() / 64);
  }

  static Pixels jpeg(Pixels picture, int quality) {
    return DECODER.square(Images.encodeJpeg(picture, quality), picture.width()).pixels();
  }

  static Pixels scaled(Pixels picture, int side) {
    return DECODER.square(Images.encodePng(picture), side).pixels();
  }

  static Pixels lit(Pixels picture, double factor) {
    byte[] rgb = new byte[picture.rgb().length];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) Math.min(255, Math.round(factor * (picture.rgb()[i] & 0xFF)));
    }
    return new Pixels(picture.width(), picture.height(), rgb);
  }

  static Pixels cropped(Pixels picture, int before, int after) {
    int width = picture.width() - before - after;
    int height = picture.height() - before - after;
    byte[] rgb = new byte[3 * width * height];
    for (int y = 0; y < height; y++) {
      int from = 3 * ((y + before) * picture.width() + before);
      System.arraycopy(picture.rgb(), from, rgb, 3 * y * width, 3 * width);
    }
    return new Pixels(width, height, rgb);
  }
}

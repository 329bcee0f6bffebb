package org.talespark.data.image;

import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_PNG_COMPRESSION;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * Pictures as models see them, float planes in [-1, 1], and as files. Thread-safe; native memory is
 * freed before each call returns.
 */
public final class Images {

  private static final ImageDecoder ANY = new ImageDecoder(ImageDecoder.Limits.defaults());
  private static final int PNG_COMPRESSION = 6;
  private static final int MOST_JPEG_SIDE = 65_500;

  private Images() {}

  /**
   * A picture file as {@code float[3 * size * size]}, planes R, G, B (NCHW), values in [-1, 1];
   * cropped and resized only when the picture is not {@code size} pixels a side.
   *
   * @throws PictureException when the file cannot be used
   */
  public static float[] decodePlanar(byte[] file, int size) {
    return planar(ANY.square(file, size).pixels());
  }

  /**
   * A picture file as it stands upright, unscaled unless a side is longer than 8192 pixels.
   *
   * @throws PictureException when the file cannot be used
   */
  public static Pixels decode(byte[] file) {
    PictureHeader header = PictureHeader.of(file);
    int side = Math.min(Resize.MOST_SIZE, Math.max(header.width(), header.height()));
    return ANY.decode(file, new Resize(Resize.Mode.KEEP_RATIO, side)).pixels();
  }

  /**
   * A part of a picture, scaled to {@code size} pixels a side: down by averaging areas, up by
   * linear interpolation.
   *
   * @throws IllegalArgumentException when the part is empty or not inside the picture
   */
  @SuppressWarnings({"try", "unchecked"}) // the scope is used by closing it
  public static Pixels part(Pixels picture, int left, int top, int width, int height, int size) {
    if (left < 0
        || top < 0
        || width < 1
        || height < 1
        || left > picture.width() - width
        || top > picture.height() - height
        || size < 1
        || size > Resize.MOST_SIZE) {
      throw new IllegalArgumentException(
          "Cannot cut picture: picture=%dx%d left=%d top=%d width=%d height=%d size=%d, expected a part of it and a size of 1 to %d"
              .formatted(
                  picture.width(),
                  picture.height(),
                  left,
                  top,
                  width,
                  height,
                  size,
                  Resize.MOST_SIZE));
    }
    OpenCv.ready();
    try (PointerScope scope = new PointerScope()) {
      double[] window = {left, top, left + width, top + height};
      return Scaling.apply(ImageDecoder.mat(picture), 1, window, size, size);
    }
  }

  /** Pixels to planes: {@code v / 127.5 - 1}, [3, height, width]. */
  public static float[] planar(Pixels pixels) {
    int area = pixels.width() * pixels.height();
    byte[] rgb = pixels.rgb();
    float[] planes = new float[3 * area];
    for (int i = 0; i < area; i++) {
      planes[i] = (rgb[3 * i] & 0xFF) / 127.5f - 1f;
      planes[area + i] = (rgb[3 * i + 1] & 0xFF) / 127.5f - 1f;
      planes[2 * area + i] = (rgb[3 * i + 2] & 0xFF) / 127.5f - 1f;
    }
    return planes;
  }

  /**
   * Planes [3, size, size] to pixels: {@code (v + 1) * 127.5}, rounded and clamped to 0..255.
   *
   * @throws IllegalArgumentException when the length is not {@code 3 * size * size}
   */
  public static Pixels pixels(float[] planar, int size) {
    int area = size * size;
    if (size < 1 || planar.length != 3 * area) {
      throw new IllegalArgumentException(
          "Cannot make a picture: values=%d size=%d, expected values = 3 * size * size"
              .formatted(planar.length, size));
    }
    byte[] rgb = new byte[3 * area];
    for (int i = 0; i < area; i++) {
      for (int c = 0; c < 3; c++) {
        int value = Math.round((planar[c * area + i] + 1f) * 127.5f);
        rgb[3 * i + c] = (byte) Math.max(0, Math.min(255, value));
      }
    }
    return new Pixels(size, size, rgb);
  }

  /** Planes [3, size, size] in [-1, 1] as a PNG file. */
  public static byte[] encodePng(float[] planar, int size) {
    return encodePng(pixels(planar, size));
  }

  public static byte[] encodePng(Pixels pixels) {
    return encode(pixels, ".png", IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION);
  }

  /** A JPEG file with halved chroma; {@code quality} 1 to 100 as libjpeg counts it. */
  public static byte[] encodeJpeg(Pixels pixels, int quality) {
    if (quality < 1 || quality > 100) {
      throw new IllegalArgumentException(
          "Cannot encode JPEG: quality=%d, expected 1 to 100".formatted(quality));
    }
    if (Math.max(pixels.width(), pixels.height()) > MOST_JPEG_SIDE) {
      throw new IllegalArgumentException(
          "Cannot encode JPEG: width=%d height=%d, expected at most %d"
              .formatted(pixels.width(), pixels.height(), MOST_JPEG_SIDE));
    }
    return JpegWriter.encode(pixels, quality);
  }

  @SuppressWarnings({"try", "unchecked"}) // the scope is used by closing it
  private static byte[] encode(Pixels pixels, String extension, int option, int value) {
    OpenCv.ready();
    try (PointerScope scope = new PointerScope()) {
      BytePointer encoded = new BytePointer();
      IntPointer options = new IntPointer(option, value);
      if (!imencode(extension, ImageDecoder.mat(pixels), encoded, options)) {
        throw new IllegalStateException(
            "Cannot encode picture: format=%s width=%d height=%d"
                .formatted(extension, pixels.width(), pixels.height()));
      }
      byte[] file = new byte[(int) encoded.limit()];
      encoded.get(file);
      return file;
    }
  }
}

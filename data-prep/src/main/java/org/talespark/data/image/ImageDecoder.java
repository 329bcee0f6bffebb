package org.talespark.data.image;

import static java.util.Objects.requireNonNull;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_IGNORE_ORIENTATION;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_2;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_4;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_8;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_UNCHANGED;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imdecode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_BGR2RGB;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.talespark.data.Reason;

/**
 * Picture files to 8-bit RGB of a wanted size. The header is checked against the limits before any
 * pixel is allocated; EXIF orientation is applied; transparency is laid on white; grey, palette,
 * CMYK and 16-bit pictures become 8-bit RGB; large JPEGs are decoded at a reduced scale. The
 * content decides on the format, never a name. Thread-safe; native memory is freed before each call
 * returns, and a call holds at most 14 bytes for each pixel of {@code max_pixels} (16-bit BGRA and
 * its 8-bit copies) beside the file and the result.
 */
public final class ImageDecoder {

  /**
   * What is refused unseen.
   *
   * @param minSide pixels of the shorter side, as stored ({@code too_small})
   * @param maxPixels width times height, as stored ({@code too_many_pixels})
   * @param maxAspect longer over shorter side ({@code bad_aspect}), 0 for any
   */
  public record Limits(int minSide, long maxPixels, double maxAspect) {

    /** The largest Java array holds no more RGB pixels than this. */
    private static final long MOST_PIXELS = 700_000_000L;

    public Limits {
      if (minSide < 1) {
        throw new IllegalArgumentException(
            "Cannot limit pictures: min_side=%d, expected >= 1".formatted(minSide));
      }
      if (maxPixels < 1 || maxPixels > MOST_PIXELS) {
        throw new IllegalArgumentException(
            "Cannot limit pictures: max_pixels=%d, expected 1 to %d"
                .formatted(maxPixels, MOST_PIXELS));
      }
      if (!(maxAspect == 0 || maxAspect >= 1) || Double.isInfinite(maxAspect)) {
        throw new IllegalArgumentException(
            "Cannot limit pictures: max_aspect=%s, expected 0 (any) or >= 1".formatted(maxAspect));
      }
    }

    /** Any side and aspect up to 50 megapixels. */
    public static Limits defaults() {
      return new Limits(1, 50_000_000, 0);
    }
  }

  /**
   * A decoded picture and what the file was.
   *
   * @param width pixels of the original as stored
   * @param height pixels of the original as stored
   */
  public record Decoded(Pixels pixels, PictureFormat format, int width, int height) {}

  /** Tiles of up to this many pixels are usual and may be larger than the picture. */
  private static final long ANY_TILE = 1 << 20;

  private final Limits limits;

  public ImageDecoder(Limits limits) {
    this.limits = requireNonNull(limits, "limits");
  }

  /**
   * Decodes and resizes.
   *
   * @throws PictureException with one of the closed list's reasons
   */
  public Decoded decode(byte[] file, Resize resize) {
    PictureHeader header = PictureHeader.of(file);
    ByteView view = new ByteView(file);
    check(header, view);
    Completeness.check(header.format(), view);
    Pixels pixels = decode(file, view, header, resize);
    return new Decoded(pixels, header.format(), header.width(), header.height());
  }

  /**
   * Decodes, cuts the centre square and scales it to {@code size} pixels a side.
   *
   * @throws PictureException with one of the closed list's reasons
   */
  public Decoded square(byte[] file, int size) {
    return decode(file, Resize.square(size));
  }

  private void check(PictureHeader header, ByteView view) {
    int shorter = Math.min(header.width(), header.height());
    int longer = Math.max(header.width(), header.height());
    long tile = header.format() == PictureFormat.TIFF ? TiffStructure.tilePixels(view) : 0;
    if (header.pixels() > limits.maxPixels() || tile > Math.max(limits.maxPixels(), ANY_TILE)) {
      throw new PictureException(
          Reason.TOO_MANY_PIXELS,
          "Cannot use picture: width=%d height=%d, expected at most %d pixels"
              .formatted(header.width(), header.height(), limits.maxPixels()));
    }
    if (shorter < limits.minSide()) {
      throw new PictureException(
          Reason.TOO_SMALL,
          "Cannot use picture: side=%d, expected >= %d".formatted(shorter, limits.minSide()));
    }
    if (limits.maxAspect() > 0 && longer > limits.maxAspect() * shorter) {
      throw new PictureException(
          Reason.BAD_ASPECT,
          "Cannot use picture: width=%d height=%d, expected aspect <= %s"
              .formatted(header.width(), header.height(), limits.maxAspect()));
    }
  }

  private static Pixels decode(byte[] file, ByteView view, PictureHeader header, Resize resize) {
    int orientation = Orientation.of(header.format(), view);
    // OpenCV turns TIFFs while it reads them
    boolean turned = header.format() == PictureFormat.TIFF;
    boolean across = turned && orientation >= 5;
    int width = across ? header.height() : header.width();
    int height = across ? header.width() : header.height();
    Pixels pixels =
        scaled(
            file,
            view,
            header,
            resize.reduction(width, height),
            resize.window(width, height),
            resize.scaled(width, width, height),
            resize.scaled(height, width, height));
    return resize.padded(Orientation.apply(pixels, turned ? Orientation.UPRIGHT : orientation));
  }

  /** Decodes and scales in the stored orientation. */
  @SuppressWarnings({"try", "unchecked"}) // the scope is used by closing it
  private static Pixels scaled(
      byte[] file,
      ByteView view,
      PictureHeader header,
      double reduction,
      double[] window,
      int width,
      int height) {
    int denominator = header.format() == PictureFormat.JPEG ? denominator(reduction) : 1;
    if (denominator >= 4) {
      Pixels pixels = ReducedJpeg.decode(view, denominator, window, width, height);
      if (pixels != null) {
        return pixels;
      }
    }
    OpenCv.ready();
    try (PointerScope scope = new PointerScope()) {
      Mat bgr =
          header.format() == PictureFormat.GIF
              ? mat(GifDecoder.decode(file, header))
              : read(file, view, header, denominator);
      return Scaling.apply(bgr, denominator, window, width, height);
    } catch (PictureException e) {
      throw e;
    } catch (RuntimeException e) { // what OpenCV throws
      throw new PictureException(
          Reason.UNDECODABLE,
          "Cannot decode %s: %s".formatted(header.format().id(), firstLine(e)),
          e);
    }
  }

  /** The coarsest DCT scale that leaves at least the wanted pixels for the area filter. */
  private static int denominator(double reduction) {
    return reduction >= 8 ? 8 : reduction >= 4 ? 4 : reduction >= 2 ? 2 : 1;
  }

  private static Mat read(byte[] file, ByteView view, PictureHeader header, int denominator) {
    Mat bytes = new Mat(1, file.length, CV_8UC1, new BytePointer(file));
    Mat picture = imdecode(bytes, flags(header.format(), denominator));
    if (picture.empty()) {
      throw new PictureException(
          Reason.UNDECODABLE, "Cannot decode %s: damaged data".formatted(header.format().id()));
    }
    Mat bgr = Flatten.toBgr(picture, header.format());
    if (header.format() == PictureFormat.PNG && picture.channels() == 1) {
      PngTransparency.greyOnWhite(picture, bgr, view, header.bits());
    }
    return bgr;
  }

  private static int flags(PictureFormat format, int denominator) {
    if (format != PictureFormat.JPEG) {
      return IMREAD_UNCHANGED;
    }
    int scale =
        switch (denominator) {
          case 8 -> IMREAD_REDUCED_COLOR_8;
          case 4 -> IMREAD_REDUCED_COLOR_4;
          case 2 -> IMREAD_REDUCED_COLOR_2;
          default -> IMREAD_COLOR;
        };
    return scale | IMREAD_IGNORE_ORIENTATION;
  }

  /** A BGR matrix of the pixels, inside the caller's scope. */
  static Mat mat(Pixels pixels) {
    Mat rgb = new Mat(pixels.height(), pixels.width(), CV_8UC3);
    rgb.data().put(pixels.rgb());
    Mat bgr = new Mat();
    cvtColor(rgb, bgr, COLOR_BGR2RGB);
    return bgr;
  }

  private static String firstLine(RuntimeException e) {
    return e.getMessage() == null
        ? e.getClass().getSimpleName()
        : e.getMessage().lines().findFirst().orElse("");
  }
}

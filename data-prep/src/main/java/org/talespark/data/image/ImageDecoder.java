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

  @SuppressWarnings({"try", "unchecked"}) // the scope is used by closing it
  private static Pixels decode(byte[] file, ByteView view, PictureHeader header, Resize resize) {
    OpenCv.ready();
    try (PointerScope scope = new PointerScope()) {
      if (header.format() == PictureFormat.GIF) {
        Mat screen = mat(GifDecoder.decode(file, header));
        return Scaling.apply(screen, resize, screen.cols(), screen.rows());
      }
      Mat decoded = read(file, header, resize);
      Mat bgr = Flatten.toBgr(decoded, header.format());
      if (header.format() == PictureFormat.PNG && decoded.channels() == 1) {
        PngTransparency.greyOnWhite(decoded, bgr, view, header.bits());
      }
      int orientation = Orientation.of(header.format(), view);
      // OpenCV turns TIFFs while it reads them
      Mat upright =
          header.format() == PictureFormat.TIFF ? bgr : Orientation.apply(bgr, orientation);
      boolean across = orientation >= 5;
      return Scaling.apply(
          upright,
          resize,
          across ? header.height() : header.width(),
          across ? header.width() : header.height());
    } catch (PictureException e) {
      throw e;
    } catch (RuntimeException e) { // what OpenCV throws
      throw new PictureException(
          Reason.UNDECODABLE,
          "Cannot decode %s: %s".formatted(header.format().id(), firstLine(e)),
          e);
    }
  }

  private static Mat read(byte[] file, PictureHeader header, Resize resize) {
    Mat bytes = new Mat(1, file.length, CV_8UC1, new BytePointer(file));
    int flags =
        header.format() == PictureFormat.JPEG
            ? jpegScale(header, resize) | IMREAD_IGNORE_ORIENTATION
            : IMREAD_UNCHANGED;
    Mat picture = imdecode(bytes, flags);
    if (picture.empty()) {
      throw new PictureException(
          Reason.UNDECODABLE, "Cannot decode %s: damaged data".formatted(header.format().id()));
    }
    return picture;
  }

  /** The coarsest DCT scale that leaves at least the wanted pixels for the area filter. */
  private static int jpegScale(PictureHeader header, Resize resize) {
    double factor = resize.reduction(header.width(), header.height());
    return factor >= 8
        ? IMREAD_REDUCED_COLOR_8
        : factor >= 4
            ? IMREAD_REDUCED_COLOR_4
            : factor >= 2 ? IMREAD_REDUCED_COLOR_2 : IMREAD_COLOR;
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

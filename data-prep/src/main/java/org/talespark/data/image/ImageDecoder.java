package org.talespark.data.image;

import static java.util.Objects.requireNonNull;
import static org.bytedeco.opencv.global.opencv_core.CV_16U;
import static org.bytedeco.opencv.global.opencv_core.CV_8U;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_2;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_4;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_8;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_UNCHANGED;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imdecode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_BGR2RGB;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_GRAY2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;
import org.talespark.data.Reason;

/**
 * Picture files to 8-bit RGB squares. The header is checked against the limits before any pixel is
 * allocated; EXIF orientation of JPEG is applied; transparency is laid on white; grey, palette,
 * CMYK and 16-bit pictures become 8-bit RGB; large JPEGs are decoded at a reduced scale.
 * Thread-safe; native memory is freed before each call returns.
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
   * A decoded square and what the file was.
   *
   * @param width pixels of the original as stored
   * @param height pixels of the original as stored
   */
  public record Decoded(Pixels pixels, PictureFormat format, int width, int height) {}

  private final Limits limits;

  public ImageDecoder(Limits limits) {
    this.limits = requireNonNull(limits, "limits");
  }

  /**
   * Decodes, cuts the centre square and scales it to {@code size} pixels a side (area averaging
   * down, linear up; a picture of that size is returned untouched).
   *
   * @throws PictureException with one of the closed list's reasons
   */
  public Decoded square(byte[] file, int size) {
    if (size < 1) {
      throw new IllegalArgumentException(
          "Cannot resize picture: size=%d, expected >= 1".formatted(size));
    }
    PictureHeader header = PictureHeader.of(file);
    check(header);
    Completeness.check(header.format(), new ByteView(file));
    Pixels pixels = decode(file, header, size);
    return new Decoded(pixels, header.format(), header.width(), header.height());
  }

  private void check(PictureHeader header) {
    int shorter = Math.min(header.width(), header.height());
    int longer = Math.max(header.width(), header.height());
    if (header.pixels() > limits.maxPixels()) {
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
  private static Pixels decode(byte[] file, PictureHeader header, int size) {
    OpenCv.ready();
    try (PointerScope scope = new PointerScope()) {
      Mat picture =
          header.format() == PictureFormat.GIF
              ? mat(GifDecoder.decode(file, header))
              : eightBitBgr(read(file, header, size), header);
      return pixels(squared(picture, size));
    } catch (PictureException e) {
      throw e;
    } catch (RuntimeException e) { // what OpenCV throws
      throw new PictureException(
          Reason.UNDECODABLE,
          "Cannot decode %s: %s".formatted(header.format().id(), firstLine(e)),
          e);
    }
  }

  private static Mat read(byte[] file, PictureHeader header, int size) {
    // decodes from memory; flags other than UNCHANGED apply EXIF orientation
    Mat bytes = new Mat(1, file.length, CV_8UC1, new BytePointer(file));
    int flags = header.format() == PictureFormat.JPEG ? jpegFlags(header, size) : IMREAD_UNCHANGED;
    Mat picture = imdecode(bytes, flags);
    if (picture.empty()) {
      throw new PictureException(
          Reason.UNDECODABLE, "Cannot decode %s: damaged data".formatted(header.format().id()));
    }
    return picture;
  }

  /** The coarsest scale at which the shorter side still has twice the wanted pixels. */
  private static int jpegFlags(PictureHeader header, int size) {
    int factor = Math.min(header.width(), header.height()) / (2 * size);
    return factor >= 8
        ? IMREAD_REDUCED_COLOR_8
        : factor >= 4
            ? IMREAD_REDUCED_COLOR_4
            : factor >= 2 ? IMREAD_REDUCED_COLOR_2 : IMREAD_COLOR;
  }

  private static Mat eightBitBgr(Mat picture, PictureHeader header) {
    Mat eight = picture;
    if (picture.depth() == CV_16U) {
      eight = new Mat();
      picture.convertTo(eight, CV_8U, 1.0 / 257.0, 0);
    } else if (picture.depth() != CV_8U) {
      throw new PictureException(
          Reason.UNSUPPORTED_FORMAT,
          "Cannot use %s: sample depth %d, expected 8 or 16 bits"
              .formatted(header.format().id(), picture.depth()));
    }
    return switch (eight.channels()) {
      case 1 -> {
        Mat bgr = new Mat();
        cvtColor(eight, bgr, COLOR_GRAY2BGR);
        yield bgr;
      }
      case 3 -> eight;
      case 4 -> onWhite(eight);
      default ->
          throw new PictureException(
              Reason.UNSUPPORTED_FORMAT,
              "Cannot use %s: channels=%d, expected 1, 3 or 4"
                  .formatted(header.format().id(), eight.channels()));
    };
  }

  /** BGRA over white, rounded: {@code (c * a + 255 * (255 - a)) / 255}. */
  private static Mat onWhite(Mat bgra) {
    byte[] from = new byte[4 * bgra.cols()];
    byte[] to = new byte[3 * bgra.cols()];
    Mat bgr = new Mat(bgra.rows(), bgra.cols(), CV_8UC3);
    for (int y = 0; y < bgra.rows(); y++) {
      bgra.ptr(y).get(from);
      for (int x = 0; x < bgra.cols(); x++) {
        int alpha = from[4 * x + 3] & 0xFF;
        for (int c = 0; c < 3; c++) {
          int value = (from[4 * x + c] & 0xFF) * alpha + 255 * (255 - alpha);
          to[3 * x + c] = (byte) ((value + 127) / 255);
        }
      }
      bgr.ptr(y).put(to);
    }
    return bgr;
  }

  private static Mat squared(Mat picture, int size) {
    int side = Math.min(picture.cols(), picture.rows());
    if (picture.cols() == size && picture.rows() == size) {
      return picture;
    }
    Mat centre =
        new Mat(
            picture,
            new Rect((picture.cols() - side) / 2, (picture.rows() - side) / 2, side, side));
    Mat scaled = new Mat();
    resize(centre, scaled, new Size(size, size), 0, 0, side > size ? INTER_AREA : INTER_LINEAR);
    return scaled;
  }

  private static Pixels pixels(Mat bgr) {
    Mat rgb = new Mat();
    cvtColor(bgr, rgb, COLOR_BGR2RGB);
    byte[] bytes = new byte[3 * rgb.rows() * rgb.cols()];
    rgb.data().get(bytes);
    return new Pixels(rgb.cols(), rgb.rows(), bytes);
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

package org.talespark.data.image;

import org.talespark.data.Reason;

/**
 * What a picture file says of itself, found without decoding a pixel.
 *
 * @param width pixels as stored, before any EXIF rotation
 * @param height pixels as stored
 * @param channels colour and alpha samples of a decoded pixel; a palette counts as colour
 * @param bits of one stored sample
 */
public record PictureHeader(PictureFormat format, int width, int height, int channels, int bits) {

  /** No format here needs fewer bytes for its signature. */
  private static final int SIGNATURE = 12;

  /** A BMP is told by the length of its second header. */
  private static final int BMP_SIGNATURE = 18;

  /** Pixels as stored; never overflows. */
  public long pixels() {
    return (long) width * height;
  }

  /**
   * Finds format and dimensions from the first structures of the file.
   *
   * @throws PictureException {@code empty_file}, {@code unsupported_format} (no known signature),
   *     {@code truncated} (the structure runs past the end) or {@code undecodable} (it contradicts
   *     itself)
   */
  public static PictureHeader of(byte[] file) {
    if (file.length == 0) {
      throw new PictureException(Reason.EMPTY_FILE, "Cannot read picture: the file has no bytes");
    }
    ByteView view = new ByteView(file);
    PictureFormat format = format(view);
    PictureHeader header =
        switch (format) {
          case PNG -> png(view);
          case JPEG -> JpegStructure.header(view);
          case GIF -> gif(view);
          case BMP -> bmp(view);
          case WEBP -> webp(view);
          case TIFF -> TiffStructure.header(view);
        };
    if (header.width() < 1 || header.height() < 1) {
      throw new PictureException(
          Reason.UNDECODABLE,
          "Cannot read picture: width=%d height=%d, expected positive"
              .formatted(header.width(), header.height()));
    }
    if (header.channels() < 1 || header.channels() > 4 || header.bits() > 16) {
      throw new PictureException(
          Reason.UNSUPPORTED_FORMAT,
          "Cannot use %s: channels=%d bits=%d, expected at most 4 channels of at most 16 bits"
              .formatted(format.id(), header.channels(), header.bits()));
    }
    return header;
  }

  private static PictureFormat format(ByteView view) {
    if (view.has(0, "\u0089PNG\r\n\u001a\n")) {
      return PictureFormat.PNG;
    }
    if (view.has(0, "\u00ff\u00d8\u00ff")) {
      return PictureFormat.JPEG;
    }
    if (view.has(0, "GIF87a") || view.has(0, "GIF89a")) {
      return PictureFormat.GIF;
    }
    if (view.has(0, "RIFF") && view.has(8, "WEBP")) {
      return PictureFormat.WEBP;
    }
    if (view.has(0, "II*\0") || view.has(0, "MM\0*")) {
      return PictureFormat.TIFF;
    }
    if (view.has(0, "BM") && view.length() >= BMP_SIGNATURE && plausibleBmp(view)) {
      return PictureFormat.BMP;
    }
    if (startsLikePicture(view)) {
      throw new PictureException(
          Reason.TRUNCATED,
          "Cannot read picture: bytes=%d, a signature cut short".formatted(view.length()));
    }
    throw new PictureException(
        Reason.UNSUPPORTED_FORMAT,
        "Cannot read picture: unknown signature, expected JPEG, PNG, WebP, BMP, GIF or TIFF");
  }

  /** Whether what there is of a very short file agrees with a signature. */
  private static boolean startsLikePicture(ByteView view) {
    boolean begun =
        view.u8(0) == 0x89 || view.u8(0) == 0xFF || view.has(0, "GIF8") || view.has(0, "RIFF");
    return view.length() < SIGNATURE ? begun : view.has(0, "BM") && view.length() < BMP_SIGNATURE;
  }

  private static boolean plausibleBmp(ByteView view) {
    long header = view.u32le(14);
    return header == 12 || (header >= 40 && header <= 124);
  }

  /** PNG (W3C 2003) 11.2.2: IHDR is the first chunk. */
  private static PictureHeader png(ByteView view) {
    if (view.length() < 26) {
      throw new PictureException(
          Reason.TRUNCATED,
          "Cannot read PNG: bytes=%d, expected a header".formatted(view.length()));
    }
    if (!view.has(12, "IHDR")) {
      throw new PictureException(Reason.UNDECODABLE, "Cannot read PNG: first chunk is not IHDR");
    }
    int bits = view.u8(24);
    int channels =
        switch (view.u8(25)) {
          case 0 -> 1;
          case 2, 3 -> 3;
          case 4 -> 2;
          case 6 -> 4;
          default -> 0;
        };
    if (channels == 0 || Integer.bitCount(bits) != 1 || bits > 16) {
      throw new PictureException(
          Reason.UNDECODABLE,
          "Cannot read PNG: bit_depth=%d color_type=%d, expected a combination of the standard"
              .formatted(bits, view.u8(25)));
    }
    return new PictureHeader(
        PictureFormat.PNG, side(view.u32be(16)), side(view.u32be(20)), channels, bits);
  }

  /** GIF89a: the logical screen or the first frame, whichever is larger. */
  private static PictureHeader gif(ByteView view) {
    int width = view.u16le(6);
    int height = view.u16le(8);
    long frame = GifStructure.firstFrame(view);
    return new PictureHeader(
        PictureFormat.GIF,
        Math.max(width, view.u16le(frame + 1) + view.u16le(frame + 5)),
        Math.max(height, view.u16le(frame + 3) + view.u16le(frame + 7)),
        3,
        8);
  }

  private static PictureHeader bmp(ByteView view) {
    if (view.u32le(14) == 12) {
      return new PictureHeader(PictureFormat.BMP, view.u16le(18), view.u16le(20), 3, 8);
    }
    int height = (int) view.u32le(22); // negative means top-down
    if (height == Integer.MIN_VALUE) {
      throw new PictureException(Reason.UNDECODABLE, "Cannot read BMP: height out of range");
    }
    int channels = view.u16le(28) == 32 ? 4 : 3;
    return new PictureHeader(
        PictureFormat.BMP, side(view.u32le(18)), Math.abs(height), channels, 8);
  }

  /** WebP container: lossy (VP8), lossless (VP8L) or extended (VP8X). */
  private static PictureHeader webp(ByteView view) {
    if (view.has(12, "VP8 ")) {
      if (view.u24le(23) != 0x2A019D) {
        throw new PictureException(Reason.UNDECODABLE, "Cannot read WebP: no VP8 start code");
      }
      return new PictureHeader(
          PictureFormat.WEBP, view.u16le(26) & 0x3FFF, view.u16le(28) & 0x3FFF, 3, 8);
    }
    if (view.has(12, "VP8L")) {
      long bits = view.u32le(21);
      return new PictureHeader(
          PictureFormat.WEBP,
          (int) (bits & 0x3FFF) + 1,
          (int) (bits >> 14 & 0x3FFF) + 1,
          (bits >> 28 & 1) == 0 ? 3 : 4,
          8);
    }
    if (view.has(12, "VP8X")) {
      int channels = (view.u8(20) & 0x10) == 0 ? 3 : 4;
      return new PictureHeader(
          PictureFormat.WEBP, view.u24le(24) + 1, view.u24le(27) + 1, channels, 8);
    }
    if (view.length() < 16) {
      throw new PictureException(
          Reason.TRUNCATED, "Cannot read WebP: no chunk after the signature");
    }
    throw new PictureException(Reason.UNDECODABLE, "Cannot read WebP: unknown first chunk");
  }

  /**
   * A dimension from an unsigned field; what does not fit an int is clamped and found too large.
   */
  static int side(long value) {
    return (int) Math.min(value, Integer.MAX_VALUE);
  }
}

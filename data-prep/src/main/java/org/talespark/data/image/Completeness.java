package org.talespark.data.image;

import org.talespark.data.Reason;

/**
 * Whether a file is there to its end. Decoders differ in this: some fill what is missing with grey
 * and report success, which would put half pictures into a dataset.
 */
final class Completeness {

  private Completeness() {}

  static void check(PictureFormat format, ByteView view) {
    switch (format) {
      case PNG -> png(view);
      case JPEG -> JpegStructure.checkComplete(view);
      case GIF -> GifStructure.checkComplete(view);
      case BMP -> bmp(view);
      case WEBP -> webp(view);
      case TIFF -> TiffStructure.checkComplete(view);
    }
  }

  /** Chunk by chunk to IEND. */
  private static void png(ByteView view) {
    long at = 8;
    while (true) {
      long length = view.u32be(at);
      boolean last = view.has(at + 4, "IEND");
      at += 12 + length;
      if (at > view.length()) {
        throw truncated("PNG", at, view.length());
      }
      if (last) {
        return;
      }
    }
  }

  /**
   * Uncompressed pixel rows are padded to four bytes; run-length coded ones are left to the
   * decoder.
   */
  private static void bmp(ByteView view) {
    boolean core = view.u32le(14) == 12;
    long width = core ? view.u16le(18) : view.u32le(18);
    long height = core ? view.u16le(20) : Math.abs((long) (int) view.u32le(22));
    long bits = core ? view.u16le(24) : view.u16le(28);
    long compression = core ? 0 : view.u32le(30);
    if (compression == 0 || compression == 3) {
      long row = (width * bits + 31) / 32 * 4;
      boolean huge = height > 0 && row > Integer.MAX_VALUE / height;
      long end = view.u32le(10) + (huge ? Integer.MAX_VALUE : row * height);
      if (end > view.length()) {
        throw truncated("BMP", end, view.length());
      }
    }
  }

  private static void webp(ByteView view) {
    long end = 8 + view.u32le(4);
    if (end > view.length()) {
      throw truncated("WebP", end, view.length());
    }
  }

  private static PictureException truncated(String format, long end, int length) {
    return new PictureException(
        Reason.TRUNCATED,
        "Cannot read %s: it should end at %d, but has %d bytes".formatted(format, end, length));
  }
}

package org.talespark.data.image;

import org.talespark.data.Reason;

/** The first image directory of a TIFF file (TIFF 6.0, section 2). */
final class TiffStructure {

  private static final int WIDTH = 256;
  private static final int HEIGHT = 257;
  private static final int BITS = 258;
  private static final int PHOTOMETRIC = 262;
  private static final int SAMPLES = 277;
  private static final int TILE_WIDTH = 322;
  private static final int TILE_HEIGHT = 323;
  private static final int PALETTE = 3;
  private static final int STRIP_OFFSETS = 273;
  private static final int STRIP_COUNTS = 279;
  private static final int TILE_OFFSETS = 324;
  private static final int TILE_COUNTS = 325;

  private static final int SHORT = 3;
  private static final int LONG = 4;

  private final ByteView view;
  private final boolean little;

  private TiffStructure(ByteView view) {
    this.view = view;
    this.little = view.has(0, "II");
  }

  static PictureHeader header(ByteView view) {
    TiffStructure tiff = new TiffStructure(view);
    long width = tiff.entry(WIDTH);
    long height = tiff.entry(HEIGHT);
    if (width < 0 || height < 0) {
      throw new PictureException(Reason.UNDECODABLE, "Cannot read TIFF: no dimensions");
    }
    int channels = (int) tiff.number(SAMPLES, 1);
    return new PictureHeader(
        PictureFormat.TIFF,
        PictureHeader.side(tiff.value(width, 0)),
        PictureHeader.side(tiff.value(height, 0)),
        tiff.number(PHOTOMETRIC, 0) == PALETTE ? 3 : channels,
        (int) tiff.number(BITS, 1));
  }

  /** Pixels of one tile, which a decoder holds beside the picture; 0 where there are none. */
  static long tilePixels(ByteView view) {
    TiffStructure tiff = new TiffStructure(view);
    long width = tiff.number(TILE_WIDTH, 0);
    long height = tiff.number(TILE_HEIGHT, 0);
    return PictureHeader.side(width) * (long) PictureHeader.side(height);
  }

  /** Checks that every strip or tile lies inside the file. */
  static void checkComplete(ByteView view) {
    TiffStructure tiff = new TiffStructure(view);
    tiff.checkPieces(STRIP_OFFSETS, STRIP_COUNTS);
    tiff.checkPieces(TILE_OFFSETS, TILE_COUNTS);
  }

  private void checkPieces(int offsetsTag, int countsTag) {
    long offsets = entry(offsetsTag);
    long counts = entry(countsTag);
    if (offsets < 0 || counts < 0) {
      return;
    }
    long pieces = Math.min(view.u32(offsets + 4, little), view.u32(counts + 4, little));
    for (long i = 0; i < pieces; i++) {
      long end = value(offsets, i) + value(counts, i);
      if (end > view.length()) {
        throw new PictureException(
            Reason.TRUNCATED,
            "Cannot read TIFF: data ends at %d, expected within %d bytes"
                .formatted(end, view.length()));
      }
    }
  }

  /** The offset of a tag's entry, or -1. */
  private long entry(int tag) {
    long directory = view.u32(4, little);
    long entries = view.u16(directory, little);
    for (long i = 0; i < entries; i++) {
      long at = directory + 2 + 12 * i;
      if (view.u16(at, little) == tag) {
        return at;
      }
    }
    return -1;
  }

  /** The first value of a tag. */
  private long number(int tag, long otherwise) {
    long entry = entry(tag);
    return entry < 0 ? otherwise : value(entry, 0);
  }

  /** Element {@code index} of an entry of type SHORT or LONG. */
  private long value(long entry, long index) {
    long type = view.u16(entry + 2, little);
    if (type != SHORT && type != LONG) { // a decoder may read another number from it
      throw new PictureException(
          Reason.UNDECODABLE,
          "Cannot read TIFF: tag=%d type=%d, expected %d or %d"
              .formatted(view.u16(entry, little), type, SHORT, LONG));
    }
    long width = type == SHORT ? 2 : 4;
    long inside = view.u32(entry + 4, little) * width;
    long at = (inside <= 4 ? entry + 8 : view.u32(entry + 8, little)) + index * width;
    return type == SHORT ? view.u16(at, little) : view.u32(at, little);
  }
}

package org.talespark.data.image;

/**
 * The EXIF orientation (CIPA DC-008, tag 274): how the stored rows and columns are to be turned to
 * stand upright. JPEG keeps it in APP1, PNG in {@code eXIf}, WebP in {@code EXIF}. A TIFF's own
 * directory has it.
 */
final class Orientation {

  static final int UPRIGHT = 1;
  private static final int TAG = 274;
  private static final int SHORT = 3;

  private Orientation() {}

  /** 1 to 8; upright where the file says nothing or nothing sensible. */
  static int of(PictureFormat format, ByteView view) {
    try {
      long exif =
          switch (format) {
            case JPEG -> JpegStructure.exif(view);
            case PNG -> pngChunk(view);
            case WEBP -> webpChunk(view);
            case TIFF -> 0;
            case BMP, GIF -> -1;
          };
      return exif < 0 ? UPRIGHT : read(view, exif);
    } catch (PictureException e) { // runs past the end; the picture may be fine all the same
      return UPRIGHT;
    }
  }

  /** Turns the picture; 5 to 8 swap its sides. */
  static Pixels apply(Pixels stored, int orientation) {
    if (orientation == UPRIGHT) {
      return stored;
    }
    boolean across = orientation >= 5;
    boolean fromRight =
        orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    boolean fromBelow =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    int width = across ? stored.height() : stored.width();
    int height = across ? stored.width() : stored.height();
    byte[] from = stored.rgb();
    byte[] to = new byte[from.length];
    int at = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int column = across ? y : x;
        int row = across ? x : y;
        int source = fromBelow ? stored.height() - 1 - row : row;
        source *= stored.width();
        source = 3 * (source + (fromRight ? stored.width() - 1 - column : column));
        to[at] = from[source];
        to[at + 1] = from[source + 1];
        to[at + 2] = from[source + 2];
        at += 3;
      }
    }
    return new Pixels(width, height, to);
  }

  private static int read(ByteView view, long tiff) {
    boolean little = view.has(tiff, "II");
    if (!little && !view.has(tiff, "MM")) {
      return UPRIGHT;
    }
    long directory = tiff + view.u32(tiff + 4, little);
    long entries = view.u16(directory, little);
    for (long i = 0; i < entries; i++) {
      long at = directory + 2 + 12 * i;
      if (view.u16(at, little) == TAG) {
        long value = view.u16(at + 8, little);
        boolean sound = view.u16(at + 2, little) == SHORT && value >= 1 && value <= 8;
        return sound ? (int) value : UPRIGHT;
      }
    }
    return UPRIGHT;
  }

  private static long pngChunk(ByteView view) {
    for (long at = 8; !view.has(at + 4, "IEND"); at += 12 + view.u32be(at)) {
      if (view.has(at + 4, "eXIf")) {
        return at + 8;
      }
    }
    return -1;
  }

  private static long webpChunk(ByteView view) {
    long end = Math.min(8 + view.u32le(4), view.length());
    for (long at = 12; at + 8 <= end; ) {
      if (view.has(at, "EXIF")) {
        return at + (view.has(at + 8, "Exif\0\0") ? 14 : 8);
      }
      long length = view.u32le(at + 4);
      at += 8 + length + (length & 1);
    }
    return -1;
  }
}

package org.talespark.data.image;

import org.talespark.data.Reason;

/** The markers of a JPEG file (ITU-T T.81, annex B). */
final class JpegStructure {

  /** Progressive pictures have about ten; a file of thousands would cost minutes of decoding. */
  private static final int MOST_SCANS = 100;

  private static final int END_OF_IMAGE = 0xD9;
  private static final int START_OF_SCAN = 0xDA;
  private static final int APP1 = 0xE1;

  private JpegStructure() {}

  /** The dimensions from the first frame header. */
  static PictureHeader header(ByteView view) {
    long at = 2;
    while (true) {
      int marker = marker(view, at);
      at = skipFill(view, at) + 2;
      if (isFrame(marker)) {
        int channels = view.u8(at + 7);
        int bits = view.u8(at + 2);
        if (bits != 8) {
          throw new PictureException(
              Reason.UNSUPPORTED_FORMAT,
              "Cannot use JPEG: bits=%d, expected 8 of a sample".formatted(bits));
        }
        return new PictureHeader(
            PictureFormat.JPEG, view.u16be(at + 5), view.u16be(at + 3), channels, bits);
      }
      if (marker == END_OF_IMAGE || marker == START_OF_SCAN) {
        throw new PictureException(
            Reason.UNDECODABLE, "Cannot read JPEG: no frame header before the scan");
      }
      if (hasLength(marker)) {
        at += length(view, at);
      }
    }
  }

  /** The offset of the TIFF structure inside the EXIF block before the first scan, or -1. */
  static long exif(ByteView view) {
    long at = 2;
    while (true) {
      int marker = marker(view, at);
      at = skipFill(view, at) + 2;
      if (marker == END_OF_IMAGE || marker == START_OF_SCAN) {
        return -1;
      }
      if (marker == APP1 && view.has(at + 2, "Exif\0\0")) {
        return at + 8;
      }
      if (hasLength(marker)) {
        at += length(view, at);
      }
    }
  }

  /** Walks all segments and scans to the end-of-image marker. */
  static void checkComplete(ByteView view) {
    long at = 2;
    int scans = 0;
    while (true) {
      int marker = marker(view, at);
      at = skipFill(view, at) + 2;
      if (marker == END_OF_IMAGE) {
        return;
      }
      if (hasLength(marker)) {
        at += length(view, at);
      }
      if (marker == START_OF_SCAN) {
        scans++;
        if (scans > MOST_SCANS) {
          throw new PictureException(
              Reason.UNDECODABLE,
              "Cannot read JPEG: scans=%d, expected at most %d".formatted(scans, MOST_SCANS));
        }
        at = view.endOfScan(at);
      }
    }
  }

  private static int length(ByteView view, long at) {
    int length = view.u16be(at);
    if (length < 2) {
      throw new PictureException(
          Reason.UNDECODABLE,
          "Cannot read JPEG: segment length=%d, expected >= 2".formatted(length));
    }
    return length;
  }

  private static int marker(ByteView view, long at) {
    return view.u8(skipFill(view, at) + 1);
  }

  /**
   * The 0xFF right before the next marker code; stray and padding bytes are skipped, as libjpeg
   * does.
   */
  private static long skipFill(ByteView view, long at) {
    while (view.u8(at) != 0xFF || view.u8(at + 1) == 0xFF || view.u8(at + 1) == 0) {
      at++;
    }
    return at;
  }

  /** SOF0 to SOF15 without DHT, JPG and DAC. */
  private static boolean isFrame(int marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  private static boolean hasLength(int marker) {
    return marker != 0x01 && (marker < 0xD0 || marker > 0xD9);
  }
}

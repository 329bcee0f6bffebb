package org.talespark.data.image;

import org.talespark.data.Reason;

/** The markers of a JPEG file (ITU-T T.81, annex B). */
final class JpegStructure {

  private JpegStructure() {}

  /** The dimensions from the first frame header. */
  static PictureHeader header(ByteView view) {
    long at = 2;
    while (true) {
      int marker = marker(view, at);
      at = skipFill(view, at) + 2;
      if (isFrame(marker)) {
        return new PictureHeader(PictureFormat.JPEG, view.u16be(at + 5), view.u16be(at + 3));
      }
      if (marker == 0xD9 || marker == 0xDA) {
        throw new PictureException(
            Reason.UNDECODABLE, "Cannot read JPEG: no frame header before the scan");
      }
      if (hasLength(marker)) {
        at += length(view, at);
      }
    }
  }

  /** Walks all segments and scans to the end-of-image marker. */
  static void checkComplete(ByteView view) {
    long at = 2;
    while (true) {
      int marker = marker(view, at);
      at = skipFill(view, at) + 2;
      if (marker == 0xD9) {
        return;
      }
      if (hasLength(marker)) {
        at += length(view, at);
      }
      if (marker == 0xDA) {
        at = endOfScan(view, at);
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

  /** The first marker in entropy-coded data that is neither stuffing nor a restart. */
  private static long endOfScan(ByteView view, long at) {
    while (true) {
      if (view.u8(at) == 0xFF) {
        int next = view.u8(at + 1);
        boolean data = next == 0 || next == 0xFF || (next >= 0xD0 && next <= 0xD7);
        if (!data) {
          return at;
        }
      }
      at++;
    }
  }

  /** SOF0 to SOF15 without DHT, JPG and DAC. */
  private static boolean isFrame(int marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  private static boolean hasLength(int marker) {
    return marker != 0x01 && (marker < 0xD0 || marker > 0xD9);
  }
}

package org.talespark.data.image;

import org.talespark.data.Reason;

/** The blocks of a GIF file (CompuServe GIF89a). */
final class GifStructure {

  private GifStructure() {}

  /** The offset of the first image descriptor. */
  static long firstFrame(ByteView view) {
    int flags = view.u8(10);
    long at = 13 + palette(flags);
    while (true) {
      int block = view.u8(at);
      switch (block) {
        case 0x2C -> {
          return at;
        }
        case 0x21 -> at = skipBlocks(view, at + 2);
        case 0x3B ->
            throw new PictureException(Reason.UNDECODABLE, "Cannot read GIF: it holds no frame");
        default ->
            throw new PictureException(
                Reason.UNDECODABLE, "Cannot read GIF: unknown block 0x%02x".formatted(block));
      }
    }
  }

  /** Walks the first frame's data to its terminator; later frames are not read. */
  static void checkComplete(ByteView view) {
    long frame = firstFrame(view);
    skipBlocks(view, frame + 10 + palette(view.u8(frame + 9)) + 1);
  }

  private static long palette(int flags) {
    return (flags & 0x80) == 0 ? 0 : 3L << ((flags & 7) + 1);
  }

  private static long skipBlocks(ByteView view, long at) {
    while (true) {
      int length = view.u8(at);
      at += 1L + length;
      if (length == 0) {
        return at;
      }
    }
  }
}

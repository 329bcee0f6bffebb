package org.talespark.data.dedup;

import static java.util.Objects.requireNonNull;

import org.talespark.data.image.Pixels;

/**
 * What pictures are compared by. Two pictures are near duplicates when their hashes differ in at
 * most a chosen number of bits and their thumbnails are {@linkplain #alike alike}: the hash finds
 * candidates among many, the thumbnail knows colours and places.
 *
 * @param phash {@link PerceptualHash} of the luma at 32x32 (63 bits in use)
 * @param thumbnail the picture at 8x8: {@code [(y * 8 + x) * 3 + channel]}, 192 bytes
 */
@SuppressWarnings("ArrayRecordComponent") // compared by alike
public record Fingerprint(long phash, byte[] thumbnail) {

  /** Bytes of a thumbnail. */
  public static final int THUMBNAIL_BYTES = 3 * Thumbnails.SIDE * Thumbnails.SIDE;

  public Fingerprint {
    requireNonNull(thumbnail, "thumbnail");
    Thumbnails.check(thumbnail);
  }

  /** The fingerprint of a picture of any size. */
  public static Fingerprint of(Pixels picture) {
    double[] rgb = AreaAverage.rgb(picture, PerceptualHash.SIDE);
    double[] luma = new double[rgb.length / 3];
    for (int i = 0; i < luma.length; i++) { // Rec. 601
      luma[i] = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
    }
    return new Fingerprint(PerceptualHash.of(luma), Thumbnails.of(rgb, PerceptualHash.SIDE));
  }

  /** Bits in which two hashes differ. */
  public static int distance(long a, long b) {
    return Long.bitCount(a ^ b);
  }

  /** Whether two thumbnails can be of the same picture; see {@link Thumbnails}. */
  public static boolean alike(byte[] a, byte[] b) {
    Thumbnails.check(a);
    Thumbnails.check(b);
    return Thumbnails.alike(a, b);
  }

  /** Whether two pictures are near duplicates. */
  public boolean near(Fingerprint other, int maxDistance) {
    return distance(phash, other.phash) <= maxDistance && alike(thumbnail, other.thumbnail);
  }
}

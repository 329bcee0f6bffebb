package org.talespark.jobs.train;

import java.util.SplittableRandom;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;

/**
 * Picture files to what a learner sees at a position of the sequence: decoded, cropped, scaled,
 * mirrored, recoloured. A function of file, seed and position alone, whichever thread or worker
 * calls it.
 */
final class Augmenter {
  private static final long OF_CROP = 3;
  private static final long OF_COLOR = 4;

  private final int size;
  private final boolean flip;
  private final RandomResizedCrop crop;
  private final ColorJitter color;
  private final long seed;

  Augmenter(TrainConfig.Data data, long seed) {
    Augment augment = data.augment();
    this.size = data.size();
    this.flip = data.flip() || augment.flip();
    this.crop = augment.crop() == null ? null : new RandomResizedCrop(augment.crop());
    this.color = augment.color() == null ? null : new ColorJitter(augment.color());
    this.seed = seed;
  }

  /**
   * The picture at a position, [3, size, size] in [-1, 1].
   *
   * @throws org.talespark.data.image.PictureException when the file cannot be used
   */
  float[] picture(byte[] file, long position) {
    float[] planes = crop == null ? Images.decodePlanar(file, size) : cropped(file, position);
    if (flip && flipped(position)) {
      mirror(planes);
    }
    if (color != null) {
      color.apply(planes, new SplittableRandom(Seeds.of(seed, OF_COLOR, position)));
    }
    return planes;
  }

  private float[] cropped(byte[] file, long position) {
    Pixels whole = Images.decode(file);
    RandomResizedCrop.Part part =
        crop.of(
            whole.width(), whole.height(), new SplittableRandom(Seeds.of(seed, OF_CROP, position)));
    return Images.planar(
        Images.part(whole, part.left(), part.top(), part.width(), part.height(), size));
  }

  /** Whether the sample at a position is mirrored. */
  boolean flipped(long position) {
    return new SplittableRandom(seed ^ (position * 0x9e3779b97f4a7c15L)).nextBoolean();
  }

  private void mirror(float[] planes) {
    for (int row = 0; row < planes.length; row += size) {
      for (int i = row, j = row + size - 1; i < j; i++, j--) {
        float swap = planes[i];
        planes[i] = planes[j];
        planes[j] = swap;
      }
    }
  }
}

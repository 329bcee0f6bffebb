package org.talespark.jobs.train;

import java.util.SplittableRandom;

/**
 * Chooses a part of a picture as torchvision's {@code RandomResizedCrop.get_params} does: up to ten
 * times an area that is a uniform share of the picture's and a ratio whose logarithm is uniform;
 * the first that fits lies anywhere with equal chance. When none fits, the largest centred part
 * whose ratio is allowed.
 */
final class RandomResizedCrop {

  /** A part of a picture, in pixels. */
  record Part(int left, int top, int width, int height) {}

  private static final int TRIES = 10;

  private final Augment.Crop crop;

  RandomResizedCrop(Augment.Crop crop) {
    this.crop = crop;
  }

  /** A part of a picture of {@code width x height} pixels; at least one pixel, and inside it. */
  Part of(int width, int height, SplittableRandom random) {
    double area = (double) width * height;
    double leastLog = Math.log(crop.ratio().get(0));
    double mostLog = Math.log(crop.ratio().get(1));
    for (int i = 0; i < TRIES; i++) {
      double target = area * between(crop.scale().get(0), crop.scale().get(1), random);
      double ratio = Math.exp(between(leastLog, mostLog, random));
      long w = Math.round(Math.sqrt(target * ratio));
      long h = Math.round(Math.sqrt(target / ratio));
      if (w > 0 && w <= width && h > 0 && h <= height) {
        int left = random.nextInt((int) (width - w + 1));
        int top = random.nextInt((int) (height - h + 1));
        return new Part(left, top, (int) w, (int) h);
      }
    }
    return centred(width, height);
  }

  private Part centred(int width, int height) {
    double ratio = (double) width / height;
    int w = width;
    int h = height;
    if (ratio < crop.ratio().get(0)) {
      h = within(Math.round(width / crop.ratio().get(0)), height);
    } else if (ratio > crop.ratio().get(1)) {
      w = within(Math.round(height * crop.ratio().get(1)), width);
    }
    return new Part((width - w) / 2, (height - h) / 2, w, h);
  }

  private static int within(long pixels, int most) {
    return (int) Math.max(1, Math.min(most, pixels));
  }

  private static double between(double least, double most, SplittableRandom random) {
    return least + random.nextDouble() * (most - least);
  }
}

package org.talespark.zoo.optim;

import org.nd4j.linalg.api.buffer.DataType;

/** Writes a mixture of two flat arrays into the first, block by block. */
final class Blend {
  /** What becomes of the target, given a source and a factor. */
  enum Mode {
    /** {@code source * factor}; what was there is not read. */
    REPLACE,
    /** {@code target + source * factor}. */
    ADD,
    /**
     * {@code target + (source - target) * factor}. Not {@code target * (1 - factor) + ...}: in
     * single precision 1 - factor would be off by parts of the factor, and the average would settle
     * beside what it averages.
     */
    APPROACH
  }

  private final float[][] floats;
  private final double[][] doubles;

  Blend(DataType type) {
    boolean single = type == DataType.FLOAT;
    floats = single ? new float[2][FlatArray.BLOCK] : new float[0][];
    doubles = single ? new double[0][] : new double[2][FlatArray.BLOCK];
  }

  void run(Mode mode, FlatArray target, FlatArray source, double factor) {
    boolean single = target.type() == DataType.FLOAT;
    for (long offset = 0; offset < target.length(); offset += FlatArray.BLOCK) {
      int n = target.blockLength(offset);
      if (single) {
        source.read(offset, floats[1], n);
        if (mode != Mode.REPLACE) {
          target.read(offset, floats[0], n);
        }
        blend(mode, floats[0], floats[1], (float) factor, n);
        target.write(offset, floats[0], n);
      } else {
        source.read(offset, doubles[1], n);
        if (mode != Mode.REPLACE) {
          target.read(offset, doubles[0], n);
        }
        blend(mode, doubles[0], doubles[1], factor, n);
        target.write(offset, doubles[0], n);
      }
    }
  }

  private static void blend(Mode mode, float[] target, float[] source, float factor, int n) {
    switch (mode) {
      case REPLACE -> {
        for (int i = 0; i < n; i++) {
          target[i] = source[i] * factor;
        }
      }
      case ADD -> {
        for (int i = 0; i < n; i++) {
          target[i] += source[i] * factor;
        }
      }
      case APPROACH -> {
        for (int i = 0; i < n; i++) {
          target[i] += (source[i] - target[i]) * factor;
        }
      }
    }
  }

  private static void blend(Mode mode, double[] target, double[] source, double factor, int n) {
    switch (mode) {
      case REPLACE -> {
        for (int i = 0; i < n; i++) {
          target[i] = source[i] * factor;
        }
      }
      case ADD -> {
        for (int i = 0; i < n; i++) {
          target[i] += source[i] * factor;
        }
      }
      case APPROACH -> {
        for (int i = 0; i < n; i++) {
          target[i] += (source[i] - target[i]) * factor;
        }
      }
    }
  }
}

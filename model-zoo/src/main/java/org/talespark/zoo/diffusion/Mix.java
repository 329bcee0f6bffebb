package org.talespark.zoo.diffusion;

/**
 * A weighted sum of two arrays, {@code first * x + second * y}: everything that schedules and
 * predictions do to samples. Computed in double, rounded once.
 */
record Mix(double first, double second) {

  /** Of {@code count} elements from {@code from}; {@code out} may be one of the inputs. */
  void of(float[] x, float[] y, float[] out, int from, int count) {
    double a = first;
    double b = second;
    for (int i = from; i < from + count; i++) {
      out[i] = (float) (a * x[i] + b * y[i]);
    }
  }

  /** Of whole arrays. */
  void of(float[] x, float[] y, float[] out) {
    of(x, y, out, 0, out.length);
  }
}

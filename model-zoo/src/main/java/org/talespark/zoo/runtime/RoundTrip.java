package org.talespark.zoo.runtime;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Sends small arrays through the native library and compares what comes back with plain Java. */
final class RoundTrip {

  private static final float TOLERANCE = 1e-4f;

  private RoundTrip() {}

  /**
   * Multiplies two matrices and convolves a small picture.
   *
   * @throws IllegalStateException when a value differs from plain Java's
   */
  static void check() {
    matmul(5, 7, 3);
    convolution(2, 4, 6, 7, 5);
  }

  private static void matmul(int m, int k, int n) {
    float[] a = ramp(m * k, 0.25f); // [m, k]
    float[] b = ramp(k * n, -0.5f); // [k, n]
    float[] expected = new float[m * n];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        for (int x = 0; x < k; x++) {
          expected[i * n + j] += a[i * k + x] * b[x * n + j];
        }
      }
    }
    try (INDArray left = Nd4j.createFromArray(a).reshape(m, k);
        INDArray right = Nd4j.createFromArray(b).reshape(k, n);
        INDArray product = left.mmul(right)) {
      compare("matmul", expected, product);
    }
  }

  /** A 3x3 convolution, stride 1, padding 1, NCHW. */
  private static void convolution(int batch, int in, int height, int width, int out) {
    float[] picture = ramp(batch * in * height * width, 0.125f); // [B, in, H, W]
    float[] kernel = ramp(out * in * 9, -0.25f); // [out, in, 3, 3]
    float[] expected = new float[batch * out * height * width];
    for (int at = 0; at < expected.length; at++) {
      int x = at % width;
      int y = at / width % height;
      int o = at / (width * height) % out;
      int n = at / (width * height * out);
      for (int tap = 0; tap < in * 9; tap++) {
        int c = tap / 9;
        int py = y + tap % 9 / 3 - 1;
        int px = x + tap % 3 - 1;
        if (py >= 0 && py < height && px >= 0 && px < width) {
          expected[at] +=
              picture[((n * in + c) * height + py) * width + px] * kernel[o * in * 9 + tap];
        }
      }
    }
    try (INDArray input = Nd4j.createFromArray(picture).reshape(batch, in, height, width);
        // ND4J keeps the kernel as [kH, kW, in, out]
        INDArray weights =
            Nd4j.createFromArray(kernel).reshape(out, in, 3, 3).permute(2, 3, 1, 0).dup('c');
        INDArray result = Nd4j.create(DataType.FLOAT, batch, out, height, width)) {
      Nd4j.exec(
          DynamicCustomOp.builder("conv2d")
              .addInputs(input, weights)
              .addOutputs(result)
              // kernel, stride, padding, dilation, explicit padding, NCHW, kernel [kH, kW, in, out]
              .addIntegerArguments(3, 3, 1, 1, 1, 1, 1, 1, 0, 0, 0)
              .build());
      compare("conv2d", expected, result);
    }
  }

  private static void compare(String op, float[] expected, INDArray actual) {
    float[] values = actual.dup('c').data().asFloat();
    for (int i = 0; i < expected.length; i++) {
      if (!(Math.abs(values[i] - expected[i]) <= TOLERANCE * (1 + Math.abs(expected[i])))) {
        throw new IllegalStateException(
            "Cannot trust the native library: op=%s element=%d value=%s, expected %s; try another build with -Dorg.bytedeco.javacpp.platform.extension=-onednn-avx2"
                .formatted(op, i, values[i], expected[i]));
      }
    }
  }

  /** Small numbers without a pattern that a wrong stride would hide. */
  private static float[] ramp(int length, float start) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = start + (i * 37 % 101) / 101f - 0.4f;
    }
    return values;
  }
}

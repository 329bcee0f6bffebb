package org.talespark.zoo.graph;

import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.dnnl.memory;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Sizes of a two-dimensional convolution of ND4J, plain or transposed, as oneDNN counts them.
 *
 * @param transposed whether it is {@code deconv2d}
 * @param batch pictures
 * @param in channels of the input
 * @param out channels of the output
 * @param input height and width of the input
 * @param output height and width of the output
 * @param kernel height and width of the kernel
 * @param stride vertical and horizontal stride
 * @param padding rows above and columns left
 * @param weightStrides strides of the weights by output channel, input channel, row, column
 */
@SuppressWarnings("ArrayRecordComponent") // sizes, compared by nobody
record Convolution(
    boolean transposed,
    long batch,
    long in,
    long out,
    long[] input,
    long[] output,
    long[] kernel,
    long[] stride,
    long[] padding,
    long[] weightStrides) {
  private static final long[] WINOGRAD_KERNEL = {3, 3};
  private static final long[] NO_STRIDE = {1, 1};
  private static final int TILE = 4;
  private static final int ENOUGH_TILES = 16;
  private static final int ENOUGH_CHANNELS = 16;

  /**
   * Reads the arguments of {@code conv2d}, {@code deconv2d} or their gradients.
   *
   * @param x shape of the input [B, C, H, W]
   * @param w shape of the weights
   * @param y shape of the output [B, O, h, w]
   * @return empty for channels last, dilation, causal padding, and "same" padding of a transposed
   *     convolution, which ND4J computes without oneDNN
   */
  static Optional<Convolution> of(DynamicCustomOp op, long[] x, long[] w, long[] y) {
    long[] arguments = op.iArgs();
    boolean transposed = op.opName().startsWith("deconv2d");
    if (arguments.length < 9 || x.length != 4 || w.length != 4 || y.length != 4) {
      return Optional.empty();
    }
    boolean channelsFirst = arguments.length < 10 || arguments[9] == 0;
    boolean dilated = arguments[6] != 1 || arguments[7] != 1;
    int mode = (int) arguments[8];
    if (!channelsFirst || dilated || mode > (transposed ? 0 : 1)) {
      return Optional.empty();
    }
    int format = arguments.length > 10 ? (int) arguments[10] : 0;
    long[] kernel = format == 0 ? sides(w, 0, 1) : format == 1 ? sides(w, 2, 3) : sides(w, 1, 2);
    long[] stride = sides(arguments, 2, 3);
    long[] padding = sides(arguments, 4, 5);
    long[] input = sides(x, 2, 3);
    long[] output = sides(y, 2, 3);
    if (mode == 1) {
      for (int d = 0; d < 2; d++) {
        padding[d] = ((output[d] - 1) * stride[d] + kernel[d] - input[d]) / 2;
      }
    }
    long[] strides = weightStrides(transposed, format, x[1], y[1], kernel);
    return Optional.of(
        new Convolution(
            transposed, x[0], x[1], y[1], input, output, kernel, stride, padding, strides));
  }

  private static long[] sides(long[] of, int height, int width) {
    return new long[] {of[height], of[width]};
  }

  /** The weights are in C order over [kH,kW,a,b], [b,a,kH,kW] or [b,kH,kW,a]. */
  private static long[] weightStrides(
      boolean transposed, int format, long in, long out, long[] kernel) {
    long a = transposed ? out : in;
    long b = transposed ? in : out;
    long h = kernel[0];
    long w = kernel[1];
    long[] s = // of a, of b, of rows, of columns
        switch (format) {
          case 0 -> new long[] {b, 1, w * a * b, a * b};
          case 1 -> new long[] {h * w, a * h * w, w, 1};
          default -> new long[] {1, h * w * a, w * a, a};
        };
    return transposed ? s : new long[] {s[1], s[0], s[2], s[3]};
  }

  private static memory.desc any(long... sides) {
    return new memory.desc(sides, memory.data_type.f32, memory.format_tag.any);
  }

  private static memory.desc plain(long... sides) {
    return new memory.desc(sides, memory.data_type.f32, Views.strides(sides));
  }

  memory.desc anyInput() {
    return any(batch, in, input[0], input[1]);
  }

  memory.desc anyWeights() {
    return any(out, in, kernel[0], kernel[1]);
  }

  memory.desc anyOutput() {
    return any(batch, out, output[0], output[1]);
  }

  memory.desc plainInput() {
    return plain(batch, in, input[0], input[1]);
  }

  memory.desc plainWeights() {
    long[] sides = {out, in, kernel[0], kernel[1]};
    return new memory.desc(sides, memory.data_type.f32, weightStrides);
  }

  memory.desc plainOutput() {
    return plain(batch, out, output[0], output[1]);
  }

  memory.desc bias() {
    return plain(out);
  }

  /** The bias, or what tells oneDNN that there is none. */
  memory.desc bias(boolean present) {
    return present ? bias() : new memory.desc();
  }

  /** The bias as one that is added to every pixel of its channel. */
  memory.desc broadcastBias() {
    return plain(1, out, 1, 1);
  }

  /**
   * Whether Winograd's algorithm (Lavin and Gray 2015, arXiv:1509.09308), which is for kernels of
   * 3x3 without strides, is worth its transforms for the gradient of the weights. With fewer
   * channels it would compute with many zeros.
   */
  boolean suitsWinogradForWeights() {
    boolean known = Arrays.equals(kernel, WINOGRAD_KERNEL) && Arrays.equals(stride, NO_STRIDE);
    return known && Math.min(in, out) >= ENOUGH_CHANNELS;
  }

  /**
   * The same forward and for the gradient of the input: it works on tiles of 4x4 outputs, and
   * enough of them must share the transformed weights.
   */
  boolean suitsWinograd() {
    long tiles = batch * ((output[0] + TILE - 1) / TILE) * ((output[1] + TILE - 1) / TILE);
    return suitsWinogradForWeights()
        && Math.min(output[0], output[1]) >= 2 * TILE
        && tiles >= ENOUGH_TILES;
  }

  /** None, as oneDNN counts it. */
  long[] dilation() {
    return new long[2];
  }

  /** Rows below and columns to the right. */
  long[] paddingAfter() {
    long[] from = transposed ? output : input;
    long[] to = transposed ? input : output;
    long[] after = new long[2];
    for (int d = 0; d < 2; d++) {
      after[d] = (to[d] - 1) * stride[d] - from[d] + kernel[d] - padding[d];
    }
    return after;
  }
}

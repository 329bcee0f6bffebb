package org.talespark.jobs.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.talespark.jobs.exchange.Halves;

/** How the values of a delta travel between the workers of a {@code local-sgd} run. */
public enum DeltaWire {
  /** In the run's own precision. */
  FULL,
  /**
   * As 16-bit floating-point numbers (IEEE 754 binary16) after scaling by a power of two, which
   * brings the largest value of a part close to the format's largest. A value that is smaller than
   * the largest by more than 2^29 may be lost, any other keeps 11 significant bits.
   */
  HALF;

  private static final int TOP_EXPONENT = 14;

  /** The scale is applied in double precision, which no power of two overflows. */
  private static final int UNSCALED = 0;

  private static final byte DOUBLES = 0;
  private static final byte FLOATS = 1;
  private static final byte HALVES = 2;

  /**
   * Values as bytes.
   *
   * @param single whether the run's own precision is single
   */
  byte[] encode(double[] values, boolean single) {
    if (!single) {
      byte[] bytes = new byte[1 + values.length * Double.BYTES];
      writer(bytes, DOUBLES).asDoubleBuffer().put(values);
      return bytes;
    }
    if (this == FULL) {
      float[] floats = new float[values.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) values[i];
      }
      byte[] bytes = new byte[1 + values.length * Float.BYTES];
      writer(bytes, FLOATS).asFloatBuffer().put(floats);
      return bytes;
    }
    double largest = 0;
    for (double value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    // a part that holds infinities or NaN keeps them, unscaled
    int scale =
        largest == 0 || !Double.isFinite(largest) ? 0 : TOP_EXPONENT - Math.getExponent(largest);
    double factor = Math.scalb(1.0, scale);
    float[] scaled = new float[values.length];
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] = (float) (values[i] * factor);
    }
    byte[] bytes = new byte[1 + 2 * Integer.BYTES + Halves.bytes(values.length)];
    ByteBuffer out = writer(bytes, HALVES).putInt(scale).putInt(values.length);
    new Halves().pack(FloatBuffer.wrap(scaled), UNSCALED, out.asIntBuffer(), false);
    return bytes;
  }

  /** What {@link #encode} made, whichever way. */
  static double[] decode(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    byte kind = in.get();
    switch (kind) {
      case DOUBLES -> {
        double[] values = new double[in.remaining() / Double.BYTES];
        in.asDoubleBuffer().get(values);
        return values;
      }
      case FLOATS -> {
        float[] floats = new float[in.remaining() / Float.BYTES];
        in.asFloatBuffer().get(floats);
        double[] values = new double[floats.length];
        for (int i = 0; i < values.length; i++) {
          values[i] = floats[i];
        }
        return values;
      }
      case HALVES -> {
        double factor = Math.scalb(1.0, -in.getInt());
        float[] scaled = new float[in.getInt()];
        new Halves().unpack(in.asIntBuffer(), 0, UNSCALED, FloatBuffer.wrap(scaled), false);
        double[] values = new double[scaled.length];
        for (int i = 0; i < values.length; i++) {
          values[i] = scaled[i] * factor;
        }
        return values;
      }
      default ->
          throw new IllegalArgumentException(
              "Cannot read delta: kind=%d, expected 0 to 2".formatted(kind));
    }
  }

  private static ByteBuffer writer(byte[] bytes, byte kind) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).put(kind);
  }
}

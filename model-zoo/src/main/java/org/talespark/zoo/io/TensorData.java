package org.talespark.zoo.io;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * The bytes of one tensor of a file, to be taken once: into a new array, into an existing one, or
 * as they are.
 *
 * <p>An array takes the tensor's own element type, or a wider one that holds every value exactly:
 * F16, BF16 and F32 may become DOUBLE, F16 and BF16 may become FLOAT. Nothing is ever rounded.
 */
public final class TensorData {
  /** Dimensions that an array can have. */
  private static final int MAX_ARRAY_RANK = 32;

  private static final int WINDOW_BYTES = 1 << 24;
  private static final int STAGING_BYTES = 1 << 16;

  private final TensorInfo info;
  private final ByteSource source;
  private boolean taken;

  TensorData(TensorInfo info, ByteSource source) {
    this.info = info;
    this.source = source;
  }

  public TensorInfo info() {
    return info;
  }

  /** A new array of the tensor's own element type. */
  public INDArray load() throws IOException {
    return load(arrayType());
  }

  /** A new array of the given element type. */
  public INDArray load(DataType type) throws IOException {
    checkConvertible(type);
    if (info.shape().size() > MAX_ARRAY_RANK) {
      throw new SafetensorsException(
          "Cannot load tensor: tensor=%s rank=%d, expected at most %d dimensions"
              .formatted(Names.quote(info.name()), info.shape().size(), MAX_ARRAY_RANK));
    }
    INDArray array =
        info.bytes() == 0
            ? Nd4j.create(type, info.dimensions())
            : Nd4j.createUninitialized(type, info.dimensions(), 'c');
    try {
      loadInto(array);
    } catch (IOException | RuntimeException e) {
      if (array.closeable()) {
        array.close();
      }
      throw e;
    }
    return array;
  }

  /**
   * Fills an existing array, which may be a view of a flat one.
   *
   * @param target same shape, contiguous in C order
   */
  public void loadInto(INDArray target) throws IOException {
    checkConvertible(target.dataType());
    if (!Arrays.equals(target.shape(), info.dimensions())) {
      throw new SafetensorsException(
          "Cannot load tensor: tensor=%s shape=%s array=%s, expected equal shapes"
              .formatted(Names.quote(info.name()), info.shape(), Arrays.toString(target.shape())));
    }
    if (!NativeMemory.isContiguous(target)) {
      throw new SafetensorsException(
          "Cannot load tensor: tensor=%s array strides=%s shape=%s, expected C order without gaps"
              .formatted(
                  Names.quote(info.name()),
                  Arrays.toString(target.stride()),
                  Arrays.toString(target.shape())));
    }
    take();
    try {
      if (target.dataType() == arrayType()) {
        fill(target);
      } else {
        widen(target);
      }
    } finally {
      Reference.reachabilityFence(target);
    }
  }

  /** Copies the bytes as they are, whatever their type; returns how many. */
  public long transferTo(WritableByteChannel out) throws IOException {
    take();
    ByteBuffer staging = ByteBuffer.allocate((int) Math.min(STAGING_BYTES, info.bytes()));
    for (long done = 0; done < info.bytes(); done += staging.limit()) {
      staging.clear().limit((int) Math.min(staging.capacity(), info.bytes() - done));
      source.readFully(info, done, staging);
      staging.flip();
      while (staging.hasRemaining()) {
        out.write(staging);
      }
    }
    return info.bytes();
  }

  private void take() {
    if (taken) {
      throw new IllegalStateException(
          "Cannot read tensor twice: tensor=%s, expected one load or transfer"
              .formatted(Names.quote(info.name())));
    }
    taken = true;
  }

  private DataType arrayType() {
    return info.dtype()
        .arrayType()
        .orElseThrow(
            () ->
                new SafetensorsException(
                    "Cannot load tensor: tensor=%s dtype=%s, expected a type that arrays have (F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL); try transferTo"
                        .formatted(Names.quote(info.name()), info.dtype())));
  }

  private void checkConvertible(DataType type) {
    DataType own = arrayType();
    boolean half = own == DataType.FLOAT16 || own == DataType.BFLOAT16;
    boolean wider =
        (type == DataType.FLOAT && half)
            || (type == DataType.DOUBLE && (half || own == DataType.FLOAT));
    if (type != own && !wider) {
      throw new SafetensorsException(
          "Cannot load tensor: tensor=%s dtype=%s data_type=%s, expected %s or a wider floating-point type"
              .formatted(Names.quote(info.name()), info.dtype(), type, own));
    }
  }

  private void fill(INDArray target) throws IOException {
    for (long done = 0; done < info.bytes(); done += WINDOW_BYTES) {
      int length = (int) Math.min(WINDOW_BYTES, info.bytes() - done);
      ByteBuffer window = NativeMemory.window(target, done, length);
      source.readFully(info, done, window);
      if (info.dtype() == Dtype.BOOL) {
        for (int i = 0; i < length; i++) {
          window.put(i, (byte) (window.get(i) == 0 ? 0 : 1)); // native code expects nothing else
        }
      }
    }
  }

  private void widen(INDArray target) throws IOException {
    int from = info.dtype().bits() / Byte.SIZE;
    int to = target.dataType().width();
    ByteBuffer staging = ByteBuffer.allocate(STAGING_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long done = 0; done < info.bytes(); done += STAGING_BYTES) {
      int length = (int) Math.min(STAGING_BYTES, info.bytes() - done);
      source.readFully(info, done, staging.clear().limit(length));
      int elements = length / from;
      ByteBuffer window = NativeMemory.window(target, done / from * to, elements * to);
      if (target.dataType() == DataType.FLOAT) {
        FloatBuffer floats = window.asFloatBuffer();
        for (int i = 0; i < elements; i++) {
          floats.put(i, element(staging, i));
        }
      } else {
        DoubleBuffer doubles = window.asDoubleBuffer();
        for (int i = 0; i < elements; i++) {
          doubles.put(i, element(staging, i));
        }
      }
    }
  }

  private float element(ByteBuffer staging, int index) {
    if (info.dtype() == Dtype.F16) {
      return HalfFloats.fromHalf(staging.getShort(2 * index));
    }
    return info.dtype() == Dtype.BF16
        ? HalfFloats.fromBfloat16(staging.getShort(2 * index))
        : staging.getFloat(4 * index);
  }
}

package org.talespark.zoo.io;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * An array as a source: windows of its own memory, narrowed on the way where asked for. Not a
 * record: hashing an empty array brings the native library down.
 */
final class ArraySource implements TensorSource {
  private static final int WINDOW_BYTES = 1 << 24;
  private static final int NARROWED_BYTES = 1 << 16;

  private final String name;
  private final Dtype dtype;
  private final List<Long> shape;
  private final INDArray array;

  ArraySource(String name, Dtype dtype, INDArray array) {
    boolean narrowed =
        array.dataType() == DataType.FLOAT && (dtype == Dtype.F16 || dtype == Dtype.BF16);
    if (!narrowed && dtype != Dtype.of(array.dataType())) {
      throw new SafetensorsException(
          "Cannot store array: tensor=%s data_type=%s dtype=%s, expected the array's own type, or F16 or BF16 for FLOAT; try castTo"
              .formatted(Names.quote(name), array.dataType(), dtype));
    }
    this.name = name;
    this.dtype = dtype;
    this.shape = Arrays.stream(array.shape()).boxed().toList();
    this.array = array;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Dtype dtype() {
    return dtype;
  }

  @Override
  public List<Long> shape() {
    return shape;
  }

  @Override
  public void writeTo(WritableByteChannel out) throws IOException {
    if (array.isEmpty()) {
      return;
    }
    boolean inPlace = NativeMemory.isContiguous(array);
    INDArray elements = inPlace ? array : array.dup('c');
    try {
      if (dtype == Dtype.of(array.dataType())) {
        copy(elements, out);
      } else {
        narrow(elements, out);
      }
    } finally {
      if (inPlace) {
        Reference.reachabilityFence(array);
      } else {
        elements.close();
      }
    }
  }

  private static void copy(INDArray elements, WritableByteChannel out) throws IOException {
    long bytes = NativeMemory.byteCount(elements);
    for (long done = 0; done < bytes; done += WINDOW_BYTES) {
      write(NativeMemory.window(elements, done, (int) Math.min(WINDOW_BYTES, bytes - done)), out);
    }
  }

  private void narrow(INDArray elements, WritableByteChannel out) throws IOException {
    ByteBuffer narrowed = ByteBuffer.allocate(NARROWED_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    ShortBuffer halves = narrowed.asShortBuffer();
    long bytes = NativeMemory.byteCount(elements);
    for (long done = 0; done < bytes; done += 2 * NARROWED_BYTES) {
      int length = (int) Math.min(2 * NARROWED_BYTES, bytes - done);
      FloatBuffer floats = NativeMemory.window(elements, done, length).asFloatBuffer();
      for (int i = 0; i < floats.limit(); i++) {
        float value = floats.get(i);
        halves.put(i, dtype == Dtype.F16 ? HalfFloats.toHalf(value) : HalfFloats.toBfloat16(value));
      }
      write(narrowed.clear().limit(length / 2), out);
    }
  }

  private static void write(ByteBuffer bytes, WritableByteChannel out) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}

package org.talespark.zoo.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.runtime.NativeMemory;

/** Tensors and files beyond 2 GiB, in memory that stays small. */
class SafetensorsLargeTest {
  private static final long ELEMENTS = (1L << 28) + 3; // of eight bytes: 2 GiB and 24 bytes
  private static final byte[] PATTERN = new byte[1 << 20];

  static {
    for (int i = 0; i < PATTERN.length; i++) {
      PATTERN[i] = (byte) (i * 31 + i / 256);
    }
  }

  /** A tensor of the pattern, repeated. */
  private record PatternSource(String name, Dtype dtype, List<Long> shape) implements TensorSource {
    @Override
    public void writeTo(WritableByteChannel out) throws IOException {
      long bytes = dtype.byteCount(name, shape);
      for (long done = 0; done < bytes; done += PATTERN.length) {
        out.write(ByteBuffer.wrap(PATTERN, 0, (int) Math.min(PATTERN.length, bytes - done)));
      }
    }
  }

  /** Counts and sums what is written; keeps the first kilobyte. */
  private static final class Sum extends OutputStream implements WritableByteChannel {
    private final CRC32C crc = new CRC32C();
    private final byte[] start = new byte[1024];
    private long count;

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      if (count < start.length) {
        System.arraycopy(
            bytes, offset, start, (int) count, (int) Math.min(length, start.length - count));
      }
      crc.update(bytes, offset, length);
      count += length;
    }

    @Override
    public int write(ByteBuffer bytes) {
      int length = bytes.remaining();
      crc.update(bytes);
      count += length;
      return length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      // nothing to close
    }
  }

  /** A file that is a start and then the pattern, repeated, per tensor. */
  private static final class PatternChannel implements SeekableByteChannel {
    private final byte[] start;
    private final long size;
    private final long tensorBytes;
    private long position;

    PatternChannel(byte[] start, long size, long tensorBytes) {
      this.start = start;
      this.size = size;
      this.tensorBytes = tensorBytes;
    }

    @Override
    public int read(ByteBuffer target) {
      if (position == size) {
        return -1;
      }
      int length;
      if (position < start.length) {
        length = (int) Math.min(target.remaining(), start.length - position);
        target.put(start, (int) position, length);
      } else {
        long inTensor = (position - start.length) % tensorBytes;
        int from = (int) (inTensor % PATTERN.length);
        long left = Math.min(PATTERN.length - from, tensorBytes - inTensor);
        length = (int) Math.min(target.remaining(), left);
        target.put(PATTERN, from, length);
      }
      position += length;
      return length;
    }

    @Override
    public int write(ByteBuffer source) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
      return position;
    }

    @Override
    public SeekableByteChannel position(long newPosition) {
      position = newPosition;
      return this;
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public SeekableByteChannel truncate(long newSize) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      // nothing to close
    }
  }

  @Test
  void aTensorBeyondTwoGibibytesIsWrittenAndReadInConstantMemory() throws IOException {
    List<TensorSource> sources =
        List.of(
            new PatternSource("a", Dtype.F64, List.of(ELEMENTS)),
            new PatternSource("b", Dtype.F64, List.of(1L, ELEMENTS, 1L)));
    Sum file = new Sum();
    SafetensorsHeader written = SafetensorsWriter.write((OutputStream) file, Map.of(), sources);
    assertThat(file.count).isEqualTo(written.dataStart() + 16 * ELEMENTS);
    assertThat(written.tensor("b").begin()).isEqualTo(8 * ELEMENTS).isGreaterThan(1L << 31);
    assertThat(written.tensor("b").end()).isEqualTo(16 * ELEMENTS).isGreaterThan(1L << 32);

    byte[] start = new byte[(int) written.dataStart()];
    System.arraycopy(file.start, 0, start, 0, start.length);
    ReadableByteChannel channel = new PatternChannel(start, file.count, 8 * ELEMENTS);
    SafetensorsReader reader = SafetensorsReader.open(channel, file.count);
    assertThat(reader.header()).isEqualTo(written);
    Sum back = new Sum();
    back.write(start, 0, start.length);
    reader.forEach(tensor -> assertThat(tensor.transferTo(back)).isEqualTo(8 * ELEMENTS));
    assertThat(back.count).isEqualTo(file.count);
    assertThat(back.crc.getValue()).isEqualTo(file.crc.getValue());
  }

  @Test
  void aSmallTensorBehindALargeOneIsReadWithoutTheLargeOne() throws IOException {
    List<TensorSource> sources =
        List.of(
            new PatternSource("large", Dtype.F64, List.of(ELEMENTS)),
            new PatternSource("small", Dtype.U8, List.of(3L)));
    long length = SafetensorsWriter.fileLength(Map.of(), sources);
    byte[] json =
        HeaderJson.encode(
            Map.of(),
            List.of(
                new TensorInfo("large", Dtype.F64, List.of(ELEMENTS), 0, 8 * ELEMENTS),
                new TensorInfo("small", Dtype.U8, List.of(3L), 8 * ELEMENTS, 8 * ELEMENTS + 3)));
    byte[] start = Bytes.file(json, 0);
    try (SafetensorsFile file =
        SafetensorsFile.open(new PatternChannel(start, length, 8 * ELEMENTS))) {
      INDArray small = file.tensor("small").load();
      assertThat(small.toIntVector()).containsExactly(0, 31, 62);
    }
  }

  @Test
  void windowsReachBeyondTwoGibibytes() {
    long bytes = (1L << 31) + 64;
    Pointer memory = Pointer.malloc(bytes); // untouched pages are never resident
    try {
      NativeMemory.window(memory, bytes - 8, 8).putLong(0, 42);
      ByteBuffer window = NativeMemory.window(memory, bytes - 16, 16);
      assertThat(window.position()).isZero();
      assertThat(window.capacity()).isEqualTo(16);
      assertThat(window.getLong(8)).isEqualTo(42);
    } finally {
      Pointer.free(memory);
    }
  }
}

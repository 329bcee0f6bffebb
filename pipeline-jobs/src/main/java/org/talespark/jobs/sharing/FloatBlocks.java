package org.talespark.jobs.sharing;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.runtime.NativeMemory;

/** Copies blocks between a flat float array and Java arrays. Keeps the array alive. */
final class FloatBlocks {
  /** Elements of a block. */
  static final int BLOCK = 8192;

  /** One is kept for the sign and for the count from 1 by which messages name elements. */
  static final int MOST_ELEMENTS = Integer.MAX_VALUE - 1;

  private static final int SEGMENT = 1 << 26; // elements, whole blocks, below 2 GiB

  private final INDArray array;
  private final FloatBuffer[] segments;

  private FloatBlocks(INDArray array) {
    this.array = array;
    this.segments = new FloatBuffer[Math.toIntExact((array.length() + SEGMENT - 1) / SEGMENT)];
    for (int s = 0; s < segments.length; s++) {
      long first = (long) s * SEGMENT;
      int elements = (int) Math.min(SEGMENT, array.length() - first);
      segments[s] =
          NativeMemory.window(array, first * Float.BYTES, elements * Float.BYTES).asFloatBuffer();
    }
  }

  /**
   * Opens an array.
   *
   * @throws IllegalArgumentException unless it has rank 1, type FLOAT, no gaps and that length
   */
  static FloatBlocks of(String what, INDArray array, int length) {
    boolean flat =
        array.dataType() == DataType.FLOAT
            && array.rank() == 1
            && NativeMemory.isContiguous(array)
            && array.length() == length;
    if (!flat) {
      throw new IllegalArgumentException(
          "Cannot share %s: type=%s shape=%s, expected FLOAT [%d] without gaps"
              .formatted(what, array.dataType(), Arrays.toString(array.shape()), length));
    }
    return new FloatBlocks(array);
  }

  int length() {
    return (int) array.length();
  }

  /** Elements of the block that begins here. */
  int blockLength(int offset) {
    return Math.min(BLOCK, length() - offset);
  }

  /** Copies the block that begins at a multiple of {@link #BLOCK}. */
  void read(int offset, float[] block, int elements) {
    segments[offset / SEGMENT].get(offset % SEGMENT, block, 0, elements);
  }

  void write(int offset, float[] block, int elements) {
    segments[offset / SEGMENT].put(offset % SEGMENT, block, 0, elements);
  }

  /** Adds to one element. */
  void add(int index, float value) {
    FloatBuffer segment = segments[index / SEGMENT];
    int at = index % SEGMENT;
    segment.put(at, segment.get(at) + value);
  }
}

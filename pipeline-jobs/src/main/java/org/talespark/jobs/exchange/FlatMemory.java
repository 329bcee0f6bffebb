package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * The memory of a contiguous array of rank 1 as byte buffers, without a copy. Keeps the array
 * alive.
 */
final class FlatMemory {
  private final INDArray owner;
  private final Element element;
  private final long length;

  /** All of it, where a buffer can hold that. */
  private final ByteBuffer whole;

  private FlatMemory(INDArray owner, Element element, long length) {
    this.owner = owner;
    this.element = element;
    this.length = length;
    this.whole =
        bytes() > 0 && bytes() <= Integer.MAX_VALUE
            ? NativeMemory.window(owner, 0, (int) bytes())
            : null;
  }

  /**
   * Finds the memory of an array.
   *
   * @throws IllegalArgumentException unless the array has rank 1, elements that lie one beside the
   *     other and type FLOAT or DOUBLE
   */
  static FlatMemory of(INDArray flat) {
    Element element = Element.of(flat.dataType());
    boolean contiguous = flat.rank() == 1 && (flat.length() <= 1 || flat.stride(0) == 1);
    if (!contiguous) {
      throw new IllegalArgumentException(
          "Cannot exchange array: shape=%s, stride=%s, expected rank 1 with stride 1; try a view of a flat array"
              .formatted(Arrays.toString(flat.shape()), Arrays.toString(flat.stride())));
    }
    return new FlatMemory(flat, element, flat.isEmpty() ? 0 : flat.length());
  }

  Element element() {
    return element;
  }

  /** Elements. */
  long length() {
    return length;
  }

  /** Bytes. */
  long bytes() {
    return length * element.bytes();
  }

  /** Some elements as a direct buffer in native order, position 0. */
  ByteBuffer slice(long first, int elements) {
    if (first < 0 || elements < 0 || first + elements > length) {
      throw new IndexOutOfBoundsException(
          "Cannot take elements %d to %d of %d of %s"
              .formatted(first, first + elements, length, owner.dataType()));
    }
    int bytes = Math.multiplyExact(elements, element.bytes());
    long start = first * element.bytes();
    return whole != null
        ? whole.slice((int) start, bytes).order(ByteOrder.nativeOrder())
        : NativeMemory.window(owner, start, bytes);
  }
}

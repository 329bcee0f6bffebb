package org.talespark.zoo.runtime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The bytes of arrays, without copying: windows into the native memory behind an array or behind a
 * view of one, at most 2 GiB a window.
 *
 * <p>A window does not keep the array alive: whoever holds one must hold the array too, for as long
 * ({@link java.lang.ref.Reference#reachabilityFence}).
 */
public final class NativeMemory {
  static {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new ExceptionInInitializerError(
          "Cannot map arrays: byte_order=%s, expected LITTLE_ENDIAN"
              .formatted(ByteOrder.nativeOrder()));
    }
  }

  private NativeMemory() {}

  /** Whether the elements lie one behind another in C order, as they do in a file. */
  public static boolean isContiguous(INDArray array) {
    if (array.isEmpty()) {
      return true;
    }
    long expected = 1;
    for (int d = array.rank() - 1; d >= 0; d--) {
      if (array.size(d) != 1) {
        if (array.stride(d) != expected) {
          return false;
        }
        expected *= array.size(d);
      }
    }
    return true;
  }

  /** Bytes of all elements of an array. */
  public static long byteCount(INDArray array) {
    return array.isEmpty() ? 0 : array.length() * array.dataType().width();
  }

  /**
   * A window into the bytes of a contiguous array.
   *
   * @param array in C order without gaps, may be a view
   * @param position first byte, counted from the array's first element
   * @param length bytes of the window
   * @return native byte order, index 0 is the window's first byte
   */
  public static ByteBuffer window(INDArray array, long position, int length) {
    if (position < 0 || length < 0 || position > byteCount(array) - length) {
      throw new IllegalArgumentException(
          "Cannot map array: position=%d length=%d array_bytes=%d, expected a window inside the array"
              .formatted(position, length, byteCount(array)));
    }
    if (!isContiguous(array)) {
      throw new IllegalArgumentException(
          "Cannot map array: %s, expected C order without gaps; try dup('c')"
              .formatted(array.shapeInfoToString()));
    }
    if (length == 0) {
      return ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    }
    // the buffer of a view is its parent's: only the array knows where the view begins
    Pointer base = array.data().pointer();
    long first = base.position() * base.sizeof() + array.offset() * array.dataType().width();
    return window(base, first + position, length);
  }

  /**
   * A window into native memory, whose index 0 is its first byte.
   *
   * @param base its address, whatever its position
   * @param first byte of the window, counted from that address
   */
  public static ByteBuffer window(Pointer base, long first, int length) {
    // a pointer's position would become the buffer's, which cannot pass 2 GiB: move its address
    return new BytePointer(base)
        .position(0)
        .getPointer(BytePointer.class, first)
        .capacity(length)
        .limit(length)
        .asByteBuffer()
        .order(ByteOrder.nativeOrder());
  }
}

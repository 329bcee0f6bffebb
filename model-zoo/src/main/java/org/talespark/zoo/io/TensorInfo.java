package org.talespark.zoo.io;

import java.util.List;
import java.util.Objects;

/**
 * What a header says of one tensor.
 *
 * @param name the key
 * @param dtype type of an element
 * @param shape dimensions, outermost first; empty for a scalar
 * @param begin first byte, counted from the first byte behind the header
 * @param end the byte behind the last one
 */
public record TensorInfo(String name, Dtype dtype, List<Long> shape, long begin, long end) {
  public TensorInfo {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(dtype, "dtype");
    shape = List.copyOf(shape);
    long expected = dtype.byteCount(name, shape);
    if (begin < 0 || end < begin || end - begin != expected) {
      throw new SafetensorsException(
          "Cannot place tensor: tensor=%s dtype=%s shape=%s data_offsets=[%d,%d], expected a span of %d bytes"
              .formatted(Names.quote(name), dtype, shape, begin, end, expected));
    }
  }

  public long bytes() {
    return end - begin;
  }

  public long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** The shape as arrays want it. */
  public long[] dimensions() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }
}

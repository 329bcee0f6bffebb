package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where each named parameter lives inside one flat array. Parameters and their gradients use the
 * same layout, so that optimizer, clipping, exchange, averaging and checkpoints each work on
 * contiguous memory.
 *
 * <p>Slots follow one another without gaps; the order is the order in which gradients become ready
 * in the backward pass.
 */
public final class ParameterLayout {

  /**
   * One parameter: {@code length} elements from {@code offset} of the flat array, in C order of
   * {@code shape}.
   */
  public record Slot(String name, List<Long> shape, long offset, long length) {
    public Slot {
      shape = List.copyOf(shape);
      if (offset < 0 || length != shape.stream().reduce(1L, Math::multiplyExact)) {
        throw new IllegalArgumentException(
            "Cannot lay out parameter: name=%s shape=%s offset=%d length=%d, expected length = product of shape"
                .formatted(name, shape, offset, length));
      }
    }

    /** The shape as ND4J wants it. */
    public long[] dimensions() {
      return shape.stream().mapToLong(Long::longValue).toArray();
    }

    /** The first element behind this slot. */
    public long end() {
      return offset + length;
    }
  }

  private final Map<String, Slot> slots;
  private final long length;

  private ParameterLayout(Map<String, Slot> slots, long length) {
    this.slots = slots;
    this.length = length;
  }

  /** Lays the parameters out one behind another, in the iteration order of the map. */
  public static ParameterLayout of(Map<String, long[]> shapes) {
    Map<String, Slot> slots = new LinkedHashMap<>();
    long offset = 0;
    for (Map.Entry<String, long[]> e : shapes.entrySet()) {
      long n = Arrays.stream(e.getValue()).reduce(1L, Math::multiplyExact);
      slots.put(
          e.getKey(),
          new Slot(e.getKey(), Arrays.stream(e.getValue()).boxed().toList(), offset, n));
      offset = Math.addExact(offset, n);
    }
    return new ParameterLayout(slots, offset);
  }

  /** All slots in flat order. */
  public List<Slot> slots() {
    return new ArrayList<>(slots.values());
  }

  /** The slot of one parameter; fails when there is none. */
  public Slot slot(String name) {
    Slot slot = slots.get(name);
    if (slot == null) {
      throw new IllegalArgumentException(
          "Cannot find parameter: name=%s, expected one of %s".formatted(name, slots.keySet()));
    }
    return slot;
  }

  public boolean contains(String name) {
    return slots.containsKey(name);
  }

  /** Elements of the flat array. */
  public long length() {
    return length;
  }
}

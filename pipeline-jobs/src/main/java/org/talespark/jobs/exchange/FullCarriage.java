package org.talespark.jobs.exchange;

import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/** Elements travel as they are: sent from the array's memory, and received into it. */
final class FullCarriage implements Carriage {
  private final FlatMemory array;
  private final Sums sums;

  FullCarriage(FlatMemory array, Sums sums) {
    this.array = array;
    this.sums = sums;
  }

  @Override
  public Element element() {
    return array.element();
  }

  @Override
  public int payloadBytes(int elements) {
    return elements * array.element().bytes();
  }

  @Override
  public Load load(long first, int elements, boolean settle) {
    // a duplicate is big-endian, which is what the wrapper takes without another layer
    return new Load(Unpooled.wrappedBuffer(array.slice(first, elements).duplicate()), 0);
  }

  @Override
  public Unloading unload(long first, int elements, int exponent, boolean add, boolean again) {
    ByteBuffer target = array.slice(first, elements);
    Runs runs =
        new Runs(
            array.element().bytes(),
            (at, bytes) -> {
              ByteBuffer part = target.slice(at, bytes.remaining());
              if (add) {
                sums.add(array.element(), part, bytes);
              } else {
                part.put(bytes);
              }
            });
    return new Unloading() {
      @Override
      public void take(ByteBuffer piece) {
        runs.take(piece);
      }

      @Override
      public Load again() {
        return load(first, elements, false);
      }
    };
  }
}

package org.talespark.jobs.exchange;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Floats travel in half precision. A chunk that is passed on leaves with the bytes it came with: to
 * pack it once more could choose another scale.
 */
final class HalfCarriage implements Carriage {
  private final FlatMemory array;
  private final Halves halves;
  private final ByteBufAllocator allocator;

  HalfCarriage(FlatMemory array, Halves halves, ByteBufAllocator allocator) {
    this.array = array;
    this.halves = halves;
    this.allocator = allocator;
  }

  @Override
  public Element element() {
    return Element.HALF;
  }

  @Override
  public int payloadBytes(int elements) {
    return Halves.bytes(elements);
  }

  @Override
  public Load load(long first, int elements, boolean settle) {
    FloatBuffer values = array.slice(first, elements).asFloatBuffer();
    int exponent = halves.exponent(values);
    int bytes = payloadBytes(elements);
    ByteBuf payload = allocator.directBuffer(bytes, bytes).writerIndex(bytes);
    ByteBuffer memory = payload.internalNioBuffer(0, bytes).slice();
    halves.pack(values, exponent, memory.order(ByteOrder.nativeOrder()).asIntBuffer(), settle);
    return new Load(payload, exponent);
  }

  @Override
  public Unloading unload(long first, int elements, int exponent, boolean add, boolean again) {
    FloatBuffer values = array.slice(first, elements).asFloatBuffer();
    ByteBuffer kept = ByteBuffer.allocate(again ? payloadBytes(elements) : 0);
    Runs runs =
        new Runs(
            Integer.BYTES,
            (at, bytes) ->
                halves.unpack(bytes.asIntBuffer(), at / Integer.BYTES, exponent, values, add));
    return new Unloading() {
      @Override
      public void take(ByteBuffer piece) {
        if (again) {
          kept.put(piece.duplicate());
        }
        runs.take(piece);
      }

      @Override
      public Load again() {
        return new Load(Unpooled.wrappedBuffer(kept.flip()), exponent);
      }
    };
  }
}

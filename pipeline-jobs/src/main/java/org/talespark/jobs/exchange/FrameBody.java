package org.talespark.jobs.exchange;

import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.Unpooled;
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.apache.spark.network.buffer.ManagedBuffer;

/**
 * A frame on its way out: header and payload go to the socket from where they lie. Holds on to the
 * owner of the payload's memory until the network layer lets go of the frame.
 */
final class FrameBody extends ManagedBuffer {
  private final ByteBuffer header;
  private final ByteBuffer payload;
  private final Object owner;

  FrameBody(ByteBuffer header, ByteBuffer payload, Object owner) {
    this.header = header;
    this.payload = payload;
    this.owner = owner;
  }

  @Override
  public long size() {
    return (long) header.remaining() + payload.remaining();
  }

  @Override
  public ByteBuffer nioByteBuffer() {
    ByteBuffer whole = ByteBuffer.allocate(Math.toIntExact(size()));
    return whole.put(header.duplicate()).put(payload.duplicate()).flip();
  }

  @Override
  public InputStream createInputStream() {
    return new ByteBufInputStream(Unpooled.wrappedBuffer(nioByteBuffer()));
  }

  @Override
  public ManagedBuffer retain() {
    return this;
  }

  @Override
  public ManagedBuffer release() {
    return this;
  }

  @Override
  public Object convertToNetty() {
    // duplicates are big-endian, which is what the wrapper takes without another layer
    return payload.hasRemaining()
        ? Unpooled.wrappedBuffer(header.duplicate(), payload.duplicate())
        : Unpooled.wrappedBuffer(header.duplicate());
  }

  @Override
  public String toString() {
    return "FrameBody[" + size() + " bytes of " + owner.getClass().getSimpleName() + "]";
  }
}

package org.talespark.jobs.exchange;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoop;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.apache.spark.network.protocol.Message;

/**
 * Writes frames as Spark's one-way messages, without copying payloads.
 *
 * <p>Spark's encoder asks a body for one buffer whenever it writes a part of it, for which a body
 * of several, as a frame's header and an array's memory are, would be merged on the heap. So the
 * frame is encoded here, and header and payload go down the pipeline as two buffers, which Netty
 * hands to the system in one gathering write (and the cipher, where there is one, encrypts one
 * after the other).
 */
final class FrameWriter {
  /** Length of the whole, type, length of the body. */
  private static final int PREFIX = Long.BYTES + 1 + Integer.BYTES;

  private FrameWriter() {}

  /** Bytes of a frame on the wire, encryption excluded. */
  static long bytes(Frame frame) {
    return (long) PREFIX + Frame.BYTES + frame.length();
  }

  /**
   * Queues a frame for a channel. Frames leave in the order of the calls, from whichever threads.
   *
   * @param payload of {@code frame.length()} bytes; released once it is written
   * @param written called on the channel's thread, with null or with the reason why not everything
   *     was sent
   */
  static void write(Channel channel, Frame frame, ByteBuf payload, Consumer<Throwable> written) {
    EventLoop loop = channel.eventLoop();
    try {
      // also when this is the channel's own thread: what others have queued comes first
      loop.execute(() -> writeNow(channel, frame, payload, written));
    } catch (RejectedExecutionException e) {
      payload.release();
      written.accept(e);
    }
  }

  private static void writeNow(
      Channel channel, Frame frame, ByteBuf payload, Consumer<Throwable> written) {
    ByteBuf header = header(channel, frame);
    ChannelFuture last;
    if (frame.length() == 0) {
      payload.release();
      last = channel.writeAndFlush(header);
    } else {
      ChannelFuture unused = channel.write(header); // fails only together with the payload
      last = channel.writeAndFlush(payload);
    }
    last.addListener(future -> written.accept(future.isSuccess() ? null : future.cause()));
  }

  private static ByteBuf header(Channel channel, Frame frame) {
    int body = Frame.BYTES + (frame.kind().streamed() ? 0 : frame.length());
    ByteBuf header = channel.alloc().directBuffer(PREFIX + Frame.BYTES);
    header.writeLong((long) PREFIX + body);
    Message.Type.OneWayMessage.encode(header);
    header.writeInt(body);
    return header.writeBytes(frame.encode(0).flip());
  }
}

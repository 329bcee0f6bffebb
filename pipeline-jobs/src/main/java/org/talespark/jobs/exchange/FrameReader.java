package org.talespark.jobs.exchange;

import io.netty.buffer.ByteBuf;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import java.nio.ByteBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.server.OneForOneStreamManager;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;
import org.apache.spark.network.util.TransportFrameDecoder;

/**
 * Takes frames from Spark's network layer. Payloads of streamed frames are worked in buffer by
 * buffer as they come from the socket, while the processor still has them in its cache; the layer
 * itself would collect a whole frame first and merge it on the heap.
 */
final class FrameReader extends RpcHandler {
  /** What becomes of them. Called on network threads, for one channel by one thread at a time. */
  interface Target {
    void opened(Channel channel);

    /** A frame with all of its payload, which is valid only during the call. */
    void frame(Channel channel, Frame frame, ByteBuffer payload);

    /** A frame whose payload follows; tells where that goes. */
    Inflow stream(Channel channel, Frame frame);

    /** Something that is no frame. */
    void malformed(Channel channel, Frame.Malformed why);

    void ended(Channel channel);
  }

  private static final int FIRST_READ_BYTES = 64 << 10;
  private static final int LEAST_READ_BYTES = 2048;
  private static final int MOST_READ_BYTES = 256 << 10;

  private final Target target;
  private final StreamManager streams = new OneForOneStreamManager();

  FrameReader(Target target) {
    this.target = target;
  }

  @Override
  public void channelActive(TransportClient client) {
    Channel channel = client.getChannel();
    channel
        .config()
        .setRecvByteBufAllocator(
            new AdaptiveRecvByteBufAllocator(LEAST_READ_BYTES, FIRST_READ_BYTES, MOST_READ_BYTES));
    target.opened(channel);
  }

  @Override
  public void channelInactive(TransportClient client) {
    target.ended(client.getChannel());
  }

  @Override
  public void receive(TransportClient client, ByteBuffer message, RpcResponseCallback callback) {
    callback.onFailure(new UnsupportedOperationException("only one-way messages"));
  }

  @Override
  public void receive(TransportClient client, ByteBuffer message) {
    Channel channel = client.getChannel();
    try {
      Frame frame = Frame.decode(message);
      if (frame.kind().streamed()) {
        Inflow inflow = target.stream(channel, frame);
        decoder(channel).setInterceptor(new Payload(frame.length(), inflow));
      } else {
        target.frame(channel, frame, message);
      }
    } catch (Frame.Malformed e) {
      target.malformed(channel, e);
    }
  }

  private static TransportFrameDecoder decoder(Channel channel) {
    return (TransportFrameDecoder) channel.pipeline().get(TransportFrameDecoder.HANDLER_NAME);
  }

  @Override
  public StreamManager getStreamManager() {
    return streams;
  }

  /** The bytes behind a frame. */
  private static final class Payload implements TransportFrameDecoder.Interceptor {
    private final Inflow inflow;
    private int left;

    Payload(int length, Inflow inflow) {
      this.left = length;
      this.inflow = inflow;
    }

    @Override
    public boolean handle(ByteBuf data) {
      int bytes = Math.min(left, data.readableBytes());
      inflow.take(data.nioBuffer(data.readerIndex(), bytes));
      data.skipBytes(bytes);
      left -= bytes;
      if (left == 0) {
        inflow.end();
      }
      return left > 0;
    }

    @Override
    public void exceptionCaught(Throwable cause) {}

    @Override
    public void channelInactive() {}
  }
}

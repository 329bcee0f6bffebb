package org.talespark.jobs.exchange;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends a connection on which much has come before a HELLO that was welcome. The network layer below
 * would collect a message of up to 2 GiB before anybody can look at it.
 */
final class StrangerLimit extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(StrangerLimit.class);
  private static final String NAME = "strangerLimit";

  /** Some times what authentication and HELLO take, and more than a read can bring behind them. */
  private static final long LIMIT = 1 << 20;

  private final Predicate<Channel> known;
  private long bytes;

  private StrangerLimit(Predicate<Channel> known) {
    this.known = known;
  }

  /**
   * Watches a channel until it is known.
   *
   * @param known whether a worker of this run is at the other end
   */
  static void watch(Channel channel, Predicate<Channel> known) {
    if (channel.pipeline().get(NAME) == null) {
      channel.pipeline().addFirst(NAME, new StrangerLimit(known));
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object data) {
    if (known.test(context.channel())) {
      context.pipeline().remove(this);
    } else if (data instanceof ByteBuf buffer) {
      bytes += buffer.readableBytes();
      if (bytes > LIMIT) {
        LOG.warn(
            "Ended a connection: from={}, bytes={}, expected HELLO within {}",
            context.channel().remoteAddress(),
            bytes,
            LIMIT);
        buffer.release();
        var unused = context.close();
        return;
      }
    }
    context.fireChannelRead(data);
  }
}

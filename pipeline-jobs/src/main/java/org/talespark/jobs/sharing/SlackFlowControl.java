package org.talespark.jobs.sharing;

import io.aeron.driver.FlowControl;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.UnicastFlowControl;
import io.aeron.driver.media.UdpChannel;
import io.aeron.protocol.StatusMessageFlyweight;
import java.net.InetSocketAddress;

/**
 * Unicast flow control that stays below the receiver's window by the length of a message.
 *
 * <p>Aeron's own (1.32) lets a sender pass the window by the padding at the end of a term, which is
 * as long as the message that did not fit. When packets before it are lost, the receiver takes the
 * sender's heartbeats for an overrun, drops them and never finds the gap: the connection stands
 * still for ten seconds, and then messages are lost.
 */
final class SlackFlowControl implements FlowControl {
  /** Longer than any message that is sent often, frame headers included, in bytes. */
  static final int SLACK = 24 << 10;

  @Override
  public long onStatusMessage(
      StatusMessageFlyweight message,
      InetSocketAddress receiver,
      long senderLimit,
      int initialTermId,
      int positionBitsToShift,
      long timeNs) {
    long window =
        UnicastFlowControl.INSTANCE.onStatusMessage(
            message, receiver, Long.MIN_VALUE, initialTermId, positionBitsToShift, timeNs);
    return Math.max(senderLimit, window - SLACK);
  }

  @Override
  public void initialize(
      MediaDriver.Context context, UdpChannel channel, int initialTermId, int termBufferLength) {
    // keeps nothing
  }

  @Override
  public long onIdle(long timeNs, long senderLimit, long senderPosition, boolean isEndOfStream) {
    return senderLimit;
  }
}

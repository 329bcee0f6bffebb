package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;

/**
 * The header of a message between two workers, {@value #BYTES} bytes in native byte order (a worker
 * of the other order fails the magic), before {@code length} bytes of payload.
 *
 * @param run the run both belong to
 * @param rank the sender
 * @param workers how many workers the sender knows of
 * @param sequence the operation, counted from 0; for GOODBYE the first one that the sender does not
 *     take part in
 * @param element what the payload consists of, for the kinds that carry sums
 * @param step the step of a ring or a tree
 * @param chunk the chunk of the segment that travels in this step
 * @param total elements or bytes of the whole operation
 * @param length bytes of the payload
 * @param exponent what HALF elements are to be multiplied by is two to this power
 */
record Frame(
    Kind kind,
    UUID run,
    int rank,
    int workers,
    long sequence,
    Element element,
    int step,
    int chunk,
    long total,
    int length,
    int exponent) {

  /** What a frame is for. */
  enum Kind {
    /** First frame of a connection. */
    HELLO(1, 0),
    /** A chunk on its way round the ring; its payload is a stream of its own behind the header. */
    RING(2, ExchangeConfig.MAX_CHUNK_BYTES),
    /** A small array, whole. */
    SMALL(3, ExchangeConfig.MAX_GATHER_BYTES),
    /** Bytes of an all-gather. */
    GATHER(4, ExchangeConfig.MAX_GATHER_BYTES),
    /** The name of a barrier. */
    BARRIER(5, ExchangeConfig.MAX_GATHER_BYTES),
    /** The sender leaves; the payload says why, or is empty. */
    GOODBYE(6, 4096),
    /** The connection is not wanted; the payload says why. */
    REFUSED(7, 4096),
    /** The answer to HELLO when the connection is wanted. */
    WELCOME(8, 0),
    /** The sender has been waiting for a while; {@code total} is the worker it waits for. */
    WAITING(9, 0);

    private final int code;
    private final int maxBytes;

    Kind(int code, int maxBytes) {
      this.code = code;
      this.maxBytes = maxBytes;
    }

    /** The longest payload. */
    int maxBytes() {
      return maxBytes;
    }

    /**
     * Whether the payload follows the message instead of being its end, so that it can be worked in
     * as it arrives.
     */
    boolean streamed() {
      return this == RING;
    }
  }

  static final int BYTES = 72;
  private static final int MAGIC = 0x54535832; // "TSX2"

  /** A frame that is not one, or not one of ours. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    Malformed(String message) {
      super(message);
    }
  }

  /**
   * The header as a buffer of {@code BYTES + extra} bytes, position at its end, limit at its
   * capacity.
   */
  ByteBuffer encode(int extra) {
    ByteBuffer out = ByteBuffer.allocate(BYTES + extra).order(ByteOrder.nativeOrder());
    out.putInt(MAGIC).putInt(kind.code);
    out.putLong(run.getMostSignificantBits()).putLong(run.getLeastSignificantBits());
    out.putInt(rank).putInt(workers).putLong(sequence).putInt(element.code());
    out.putInt(step).putInt(chunk).putLong(total).putInt(length);
    return out.putInt(exponent).putInt(0);
  }

  /**
   * Reads a header and leaves the buffer at the payload.
   *
   * @throws Malformed when any field is out of its bounds or the payload has another length
   */
  static Frame decode(ByteBuffer message) throws Malformed {
    if (message.remaining() < BYTES) {
      throw new Malformed("length=" + message.remaining() + ", expected at least " + BYTES);
    }
    message.order(ByteOrder.nativeOrder());
    int magic = message.getInt();
    require(magic == MAGIC, "magic", magic, "0x54535832");
    Kind kind = kind(message.getInt());
    UUID run = new UUID(message.getLong(), message.getLong());
    int rank = message.getInt();
    int workers = message.getInt();
    require(rank >= 0 && rank < workers, "rank", rank, "0 to " + (workers - 1));
    long sequence = message.getLong();
    require(sequence >= 0, "sequence", sequence, "at least 0");
    Element element = element(message.getInt());
    int step = message.getInt();
    require(step >= 0, "step", step, "at least 0");
    int chunk = message.getInt();
    require(chunk >= 0, "chunk", chunk, "at least 0");
    long total = message.getLong();
    require(total >= 0, "total", total, "at least 0");
    int length = message.getInt();
    require(length <= kind.maxBytes(), "length", length, "at most " + kind.maxBytes());
    int exponent = message.getInt();
    require(Halves.isExponent(exponent), "exponent", exponent, "one that a float can be scaled by");
    int reserved = message.getInt();
    require(reserved == 0, "reserved", reserved, "0");
    if (kind.streamed()) {
      require(length >= 1, "length", length, "at least 1");
      require(!message.hasRemaining(), "remaining", message.remaining(), "0");
    } else {
      require(length == message.remaining(), "length", length, "" + message.remaining());
    }
    return new Frame(
        kind, run, rank, workers, sequence, element, step, chunk, total, length, exponent);
  }

  private static Kind kind(int code) throws Malformed {
    for (Kind kind : Kind.values()) {
      if (kind.code == code) {
        return kind;
      }
    }
    throw new Malformed("kind=" + code + ", expected a known one");
  }

  private static Element element(int code) throws Malformed {
    for (Element element : Element.values()) {
      if (element.code() == code) {
        return element;
      }
    }
    throw new Malformed("element=" + code + ", expected a known one");
  }

  private static void require(boolean good, String field, long value, String expected)
      throws Malformed {
    if (!good) {
      throw new Malformed("%s=%d, expected %s".formatted(field, value, expected));
    }
  }
}

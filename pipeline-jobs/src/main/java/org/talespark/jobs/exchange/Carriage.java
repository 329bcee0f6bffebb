package org.talespark.jobs.exchange;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;

/** How the chunks of one array travel. */
sealed interface Carriage permits FullCarriage, HalfCarriage {
  /** A chunk ready to leave; whoever sends the payload releases it. */
  record Load(ByteBuf payload, int exponent) {}

  /** A chunk that is arriving. */
  interface Unloading {
    /** The next bytes, worked in before this returns. */
    void take(ByteBuffer piece);

    /** The whole chunk as it came, to be passed on. */
    Load again();
  }

  /** What payloads consist of. */
  Element element();

  /** Length of a payload with so many elements. */
  int payloadBytes(int elements);

  /**
   * Makes a chunk ready.
   *
   * @param settle whether these are sums that will not change any more: the array then holds what
   *     every receiver will have
   */
  Load load(long first, int elements, boolean settle);

  /**
   * Prepares for an arriving chunk.
   *
   * @param exponent as the sender's load said
   * @param add whether it is added to the array, instead of replacing what is there
   * @param again whether it will be passed on as it came
   */
  Unloading unload(long first, int elements, int exponent, boolean add, boolean again);
}

package org.talespark.jobs.sharing;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.nd4j.common.primitives.Optional;
import org.nd4j.common.util.SerializationUtils;
import org.nd4j.parameterserver.distributed.v2.chunks.VoidChunk;
import org.nd4j.parameterserver.distributed.v2.messages.VoidMessage;
import org.nd4j.parameterserver.distributed.v2.util.MessageSplitter;

/**
 * Cuts messages into chunks and joins them, in memory of limited size. The library's own splitter
 * writes each message to a temporary file, shares its unfinished messages between all nodes of a
 * process, and deserializes what was joined without a filter.
 */
final class BoundedSplitter extends MessageSplitter {
  private static final int MAX_CHUNK_BYTES = 1 << 20;
  private static final long MAX_PENDING_BYTES = 2L * MessageReader.MAX_BYTES;

  private static final class Unfinished {
    private final byte[] bytes;
    private final int splitSize;
    private final BitSet arrived = new BitSet();

    Unfinished(int total, int splitSize) {
      this.bytes = new byte[total];
      this.splitSize = splitSize;
    }

    int chunks() {
      return (bytes.length + splitSize - 1) / splitSize;
    }
  }

  private final Map<String, Unfinished> unfinished = new HashMap<>();
  private long pendingBytes;

  @Override
  public Collection<VoidChunk> split(VoidMessage message, int maxBytes) {
    byte[] bytes = SerializationUtils.toByteArray(message);
    if (bytes.length > MessageReader.MAX_BYTES) {
      throw new SharingException(
          "Cannot send message: bytes=%d, expected at most %d"
              .formatted(bytes.length, MessageReader.MAX_BYTES),
          SharingException.NOBODY);
    }
    int chunks = (bytes.length + maxBytes - 1) / maxBytes;
    List<VoidChunk> out = new ArrayList<>(chunks);
    for (int i = 0; i < chunks; i++) {
      int from = i * maxBytes;
      byte[] part = Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + maxBytes));
      out.add(
          VoidChunk.builder()
              .messageId(UUID.randomUUID().toString())
              .originalId(message.getMessageId())
              .chunkId(i)
              .numberOfChunks(chunks)
              .splitSize(maxBytes)
              .totalSize(bytes.length)
              .payload(part)
              .build());
    }
    return out;
  }

  @Override
  public <T extends VoidMessage> Optional<T> merge(VoidChunk chunk) {
    return merge(chunk, MAX_PENDING_BYTES);
  }

  /** The message when this was its last chunk; the limit is this class's own. */
  @Override
  public <T extends VoidMessage> Optional<T> merge(VoidChunk chunk, long ignored) {
    byte[] whole = join(chunk);
    if (whole == null) {
      return Optional.empty();
    }
    try {
      @SuppressWarnings("unchecked") // as declared by the library
      T message = (T) MessageReader.read(whole);
      return Optional.of(message);
    } catch (IOException e) {
      throw new IllegalArgumentException("Cannot read joined message: " + e.getMessage(), e);
    }
  }

  private synchronized byte[] join(VoidChunk chunk) {
    String key = chunk.getOriginalId();
    require(key != null && chunk.getPayload() != null, "ids and payload");
    long total = chunk.getTotalSize();
    int split = chunk.getSplitSize();
    require(total > 0 && total <= MessageReader.MAX_BYTES, "total=" + total);
    require(split > 0 && split <= MAX_CHUNK_BYTES, "split=" + split);
    Unfinished message = unfinished.get(key);
    if (message == null) {
      require(pendingBytes + total <= MAX_PENDING_BYTES, "unfinished=" + pendingBytes);
      message = new Unfinished((int) total, split);
      unfinished.put(key, message);
      pendingBytes += total;
    }
    int id = chunk.getChunkId();
    require(message.bytes.length == total && message.splitSize == split, "sizes of its message");
    require(id >= 0 && id < message.chunks(), "chunk=" + id);
    int expected = Math.min(split, message.bytes.length - id * split);
    require(chunk.getPayload().length == expected, "payload=" + chunk.getPayload().length);
    System.arraycopy(chunk.getPayload(), 0, message.bytes, id * split, expected);
    message.arrived.set(id);
    if (message.arrived.cardinality() < message.chunks()) {
      return null;
    }
    unfinished.remove(key);
    pendingBytes -= total;
    return message.bytes;
  }

  /** Bytes set aside for messages that have not arrived whole. */
  synchronized long pendingBytes() {
    return pendingBytes;
  }

  @Override
  public synchronized void reset() {
    unfinished.clear();
    pendingBytes = 0;
  }

  private static void require(boolean good, String what) {
    if (!good) {
      throw new IllegalArgumentException("Cannot join chunk: " + what);
    }
  }
}

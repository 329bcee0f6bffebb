package org.talespark.zoo.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes safetensors files as upstream lays them out: tensors sorted by element type, widest first,
 * then by name; header padded with spaces to eight bytes. Equal content gives equal bytes.
 *
 * <p>Everything is streamed: memory beside the tensors themselves stays constant, and neither a
 * tensor nor a file is bounded by 2 GiB.
 */
public final class SafetensorsWriter {
  private SafetensorsWriter() {}

  /**
   * Writes one file.
   *
   * @param out neither flushed nor closed
   * @param metadata free text by key; left out when empty
   * @param tensors in any order
   * @return the header that was written
   */
  public static SafetensorsHeader write(
      OutputStream out, Map<String, String> metadata, Collection<? extends TensorSource> tensors)
      throws IOException {
    return write(new StreamChannel(out), metadata, tensors);
  }

  /** Writes one file to a channel, which stays open. */
  public static SafetensorsHeader write(
      WritableByteChannel out,
      Map<String, String> metadata,
      Collection<? extends TensorSource> tensors)
      throws IOException {
    List<TensorSource> sorted = sorted(tensors);
    Map<String, TensorInfo> infos = layOut(sorted);
    byte[] json = HeaderJson.encode(metadata, infos.values());
    ByteBuffer start =
        ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES + json.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .flip();
    CountingChannel counting = new CountingChannel(out);
    int dataStart = start.remaining();
    counting.write(start);
    for (TensorSource source : sorted) {
      long before = counting.count();
      source.writeTo(counting);
      long written = counting.count() - before;
      TensorInfo info = infos.get(source.name());
      if (written != info.bytes()) {
        throw new SafetensorsException(
            "Cannot write tensor: tensor=%s written=%d, expected %d bytes"
                .formatted(Names.quote(source.name()), written, info.bytes()));
      }
    }
    return new SafetensorsHeader(metadata, infos, dataStart, counting.count());
  }

  /** Writes one file; an existing one is replaced. */
  public static SafetensorsHeader write(
      Path file, Map<String, String> metadata, Collection<? extends TensorSource> tensors)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      return write(channel, metadata, tensors);
    }
  }

  /**
   * Writes a file that was read: its own header, and tensors of the types and shapes it names.
   *
   * @param start the bytes in front of the tensors
   * @param tensors in the order of their bytes
   */
  static void rewrite(OutputStream out, byte[] start, List<TensorSource> tensors)
      throws IOException {
    WritableByteChannel channel = new StreamChannel(out);
    out.write(start);
    for (TensorSource source : tensors) {
      source.writeTo(channel);
    }
  }

  /** The bytes that a file of these tensors has, for space checks before it is written. */
  public static long fileLength(
      Map<String, String> metadata, Collection<? extends TensorSource> tensors) {
    Map<String, TensorInfo> infos = layOut(sorted(tensors));
    long data = infos.values().stream().mapToLong(TensorInfo::bytes).sum();
    return SafetensorsHeader.LENGTH_BYTES
        + HeaderJson.encode(metadata, infos.values()).length
        + data;
  }

  private static List<TensorSource> sorted(Collection<? extends TensorSource> tensors) {
    List<TensorSource> sorted = new ArrayList<>(tensors);
    sorted.sort(
        Comparator.comparing(TensorSource::dtype)
            .reversed()
            .thenComparing(TensorSource::name, Names.UTF8_ORDER));
    return sorted;
  }

  private static Map<String, TensorInfo> layOut(List<TensorSource> sorted) {
    Set<String> names = new HashSet<>();
    Map<String, TensorInfo> infos = new LinkedHashMap<>();
    long offset = 0;
    for (TensorSource source : sorted) {
      String name = source.name();
      if (name.equals(SafetensorsHeader.METADATA_KEY) || !names.add(name)) {
        throw new SafetensorsException(
            "Cannot write safetensors: name=%s, expected every name once and none to be %s"
                .formatted(Names.quote(name), SafetensorsHeader.METADATA_KEY));
      }
      long end = offset + source.dtype().byteCount(name, source.shape());
      if (end < offset) {
        throw new SafetensorsException(
            "Cannot write safetensors: tensor=%s begin=%d, expected a file below 2^63 bytes"
                .formatted(Names.quote(name), offset));
      }
      infos.put(name, new TensorInfo(name, source.dtype(), source.shape(), offset, end));
      offset = end;
    }
    return infos;
  }

  /** Takes everything it is given, and counts it. */
  private static final class CountingChannel implements WritableByteChannel {
    private final WritableByteChannel out;
    private long count;

    CountingChannel(WritableByteChannel out) {
      this.out = out;
    }

    long count() {
      return count;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int length = bytes.remaining();
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      count += length;
      return length;
    }

    @Override
    public boolean isOpen() {
      return out.isOpen();
    }

    @Override
    public void close() {
      // the caller's channel stays the caller's
    }
  }

  /** A stream as a channel, through one scratch array. */
  private static final class StreamChannel implements WritableByteChannel {
    private static final int SCRATCH_BYTES = 1 << 18;

    private final OutputStream out;
    private byte[] scratch = new byte[0];

    StreamChannel(OutputStream out) {
      this.out = out;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int length = bytes.remaining();
      if (bytes.hasArray()) {
        out.write(bytes.array(), bytes.arrayOffset() + bytes.position(), length);
        bytes.position(bytes.limit());
        return length;
      }
      if (scratch.length < Math.min(length, SCRATCH_BYTES)) {
        scratch = new byte[SCRATCH_BYTES];
      }
      while (bytes.hasRemaining()) {
        int part = Math.min(bytes.remaining(), scratch.length);
        bytes.get(scratch, 0, part);
        out.write(scratch, 0, part);
      }
      return length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      // the caller's stream stays the caller's
    }
  }
}

package org.talespark.data.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;

/**
 * Streams the samples of a shard in order, one in memory at a time. WebDataset's rule: members
 * whose names agree up to the first dot are one sample, and stand side by side.
 */
public final class ShardReader implements Iterator<Sample>, AutoCloseable {

  static final int MOST_IMAGE_BYTES = 256 << 20;
  static final int MOST_TEXT_BYTES = 16 << 20;
  private static final int BUFFER = 1 << 18;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Shard shard;
  private final TarArchiveInputStream tar;
  private TarArchiveEntry entry;
  private long read;
  private Sample next;

  private ShardReader(Shard shard, InputStream in) {
    this.shard = shard;
    this.tar = new TarArchiveInputStream(new BufferedInputStream(in, BUFFER));
  }

  static ShardReader open(Shard shard, Configuration hadoop) {
    Path path = new Path(shard.uri());
    ShardReader reader;
    try {
      reader = new ShardReader(shard, path.getFileSystem(hadoop).open(path));
    } catch (IOException e) {
      throw shard.missing(e);
    }
    try {
      reader.advanceEntry();
      reader.next = reader.readSample();
      return reader;
    } catch (IOException e) {
      reader.close();
      throw reader.damaged(e.getMessage(), e);
    } catch (RuntimeException e) {
      reader.close();
      throw e;
    }
  }

  @Override
  public boolean hasNext() {
    return next != null;
  }

  /**
   * The next sample.
   *
   * @throws BadInputException when the shard is damaged or shorter than its manifest says
   */
  @Override
  public Sample next() {
    Sample sample = next;
    if (sample == null) {
      throw new NoSuchElementException(
          "Cannot read sample: shard=" + shard.uri() + " is at its end");
    }
    try {
      next = readSample();
    } catch (IOException e) {
      throw damaged(e.getMessage(), e);
    }
    return sample;
  }

  private Sample readSample() throws IOException {
    if (entry == null) {
      if (read != shard.samples()) {
        throw damaged("samples=%d, expected %d".formatted(read, shard.samples()), null);
      }
      return null;
    }
    String key = key(entry.getName());
    byte[] image = null;
    String caption = null;
    JsonNode metadata = null;
    while (entry != null && key(entry.getName()).equals(key)) {
      String extension = entry.getName().substring(key.length() + 1);
      switch (extension) {
        case "png", "jpg" -> image = member(image, MOST_IMAGE_BYTES);
        case "txt" ->
            caption =
                new String(
                    member(caption == null ? null : new byte[0], MOST_TEXT_BYTES),
                    StandardCharsets.UTF_8);
        case "json" -> {
          byte[] bytes = member(metadata == null ? null : new byte[0], MOST_TEXT_BYTES);
          metadata = JSON.readTree(bytes);
        }
        default ->
            throw damaged(
                "member=%s, expected png, jpg, txt or json".formatted(entry.getName()), null);
      }
      advanceEntry();
    }
    if (image == null || caption == null || metadata == null || !metadata.isObject()) {
      throw damaged("key=%s lacks a picture, caption or JSON".formatted(key), null);
    }
    read++;
    return new Sample(key, image, caption, metadata);
  }

  private byte[] member(byte[] earlier, int most) throws IOException {
    if (earlier != null) {
      throw damaged("member=%s twice in a sample".formatted(entry.getName()), null);
    }
    if (entry.getSize() > most) {
      throw damaged(
          "member=%s bytes=%d, expected at most %d"
              .formatted(entry.getName(), entry.getSize(), most),
          null);
    }
    int size = (int) entry.getSize();
    byte[] bytes = tar.readNBytes(size);
    if (bytes.length != size) {
      throw damaged("member=%s is cut short".formatted(entry.getName()), null);
    }
    return bytes;
  }

  private void advanceEntry() throws IOException {
    try {
      entry = tar.getNextTarEntry();
    } catch (IllegalArgumentException | ArithmeticException e) { // numbers out of range
      throw damaged(e.getMessage(), e);
    }
    if (entry != null && !entry.isFile()) {
      throw damaged("member=%s is no plain file".formatted(entry.getName()), null);
    }
  }

  private String key(String name) {
    int dot = name.indexOf('.');
    if (dot < 1 || name.indexOf('/') >= 0) {
      throw damaged("member=%s, expected KEY.EXTENSION".formatted(name), null);
    }
    return name.substring(0, dot);
  }

  private BadInputException damaged(String detail, Throwable cause) {
    return new BadInputException(
        "Cannot read shard: shard=%s is damaged (%s); try preparing the dataset again"
            .formatted(shard.uri(), detail),
        cause);
  }

  @Override
  public void close() {
    try {
      tar.close();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot close shard: shard=" + shard.uri(), e);
    }
  }
}

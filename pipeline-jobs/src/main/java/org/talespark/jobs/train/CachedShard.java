package org.talespark.jobs.train;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.talespark.data.dataset.Shard;

/** A shard's verified copy on this machine, with its index. Thread-safe. */
final class CachedShard implements AutoCloseable {
  private final Shard shard;
  private final Path path;
  private final List<ShardIndex.Entry> entries;

  // not a channel: an interrupted thread would close it for the others
  private final RandomAccessFile file;

  CachedShard(Shard shard, Path path, List<ShardIndex.Entry> entries) throws IOException {
    this.shard = shard;
    this.path = path;
    this.entries = entries;
    this.file = new RandomAccessFile(path.toFile(), "r");
  }

  ShardIndex.Entry entry(int index) {
    return entries.get(index);
  }

  /** A sample's picture, as a file's bytes. */
  byte[] picture(int index) throws IOException {
    ShardIndex.Entry entry = entries.get(index);
    byte[] bytes = new byte[entry.length()];
    synchronized (file) {
      file.seek(entry.offset());
      file.readFully(bytes);
    }
    return bytes;
  }

  /** Deletes the copy. */
  @Override
  public void close() throws IOException {
    synchronized (file) {
      file.close();
    }
    Files.deleteIfExists(path);
  }

  @Override
  public String toString() {
    return shard.uri();
  }
}

package org.talespark.data.dataset;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * Writes the members of a shard. The bytes depend on the members alone: ustar headers with no time,
 * owner or host.
 */
public final class ShardWriter implements AutoCloseable {
  private static final int MODE = 0100644;

  /** Tar's usual record of twenty blocks. */
  private static final int BLOCK = 20 * 512;

  private static final int BUFFER = 1 << 16;

  private final TarArchiveOutputStream tar;

  /** Writes to a stream, which is closed with this. */
  public ShardWriter(OutputStream out) {
    this.tar = new TarArchiveOutputStream(new BufferedOutputStream(out, BUFFER), BLOCK, "UTF-8");
  }

  /**
   * Adds a member.
   *
   * @param name {@code KEY.EXTENSION}; members of one sample stand side by side
   */
  public void add(String name, byte[] bytes) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(name);
    entry.setSize(bytes.length);
    entry.setModTime(0L);
    entry.setIds(0, 0);
    entry.setNames("", "");
    entry.setMode(MODE);
    tar.putArchiveEntry(entry);
    tar.write(bytes);
    tar.closeArchiveEntry();
  }

  @Override
  public void close() throws IOException {
    tar.close();
  }
}

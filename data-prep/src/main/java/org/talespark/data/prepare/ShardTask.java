package org.talespark.data.prepare;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.dataset.DatasetManifest.ShardEntry;
import org.talespark.data.dataset.Split;

/**
 * One shard of the second stage: samples from the spill files into a tar. The bytes depend on the
 * samples alone: ustar headers with no time, owner or host.
 *
 * @param path where the shard goes, relative to {@code out}
 * @param extension {@code png} or {@code jpg}
 */
record ShardTask(
    String out, String path, Split split, String extension, String staging, List<Piece> pieces)
    implements Serializable {

  private static final int MODE = 0100644;

  /** Tar's usual record of twenty blocks. */
  private static final int BLOCK = 20 * 512;

  /** A sample and where it waits. */
  record Piece(String key, Row.Spilled spilled) implements Serializable {}

  /** What the manifest says of the written shard; records of the manifest stay on the driver. */
  record Written(String path, Split split, long samples, long bytes, String sha256)
      implements Serializable {
    ShardEntry entry() {
      return new ShardEntry(path, split.id(), samples, bytes, sha256);
    }
  }

  Written run(String attempt, Configuration hadoop) throws IOException {
    Path temporary = new Path(staging, attempt);
    Path target = new Path(out, path);
    FileSystem fs = Storage.of(target, hadoop);
    MessageDigest digest = Keys.sha256();
    CountingStream counted =
        new CountingStream(new DigestOutputStream(fs.create(temporary, true), digest));
    try (TarArchiveOutputStream tar =
        new TarArchiveOutputStream(new BufferedOutputStream(counted, 1 << 16), BLOCK, "UTF-8")) {
      copy(tar, fs);
    }
    if (!Staging.open(fs, new Path(staging).getParent())) {
      throw new IOException(
          "Cannot publish shard: path=%s, but its run has ended".formatted(path)); // a late attempt
    }
    Storage.publish(fs, temporary, target);
    String sha256 = HexFormat.of().formatHex(digest.digest());
    return new Written(path, split, pieces.size(), counted.count, sha256);
  }

  private void copy(TarArchiveOutputStream tar, FileSystem fs) throws IOException {
    String open = null;
    FSDataInputStream in = null;
    try {
      for (Piece piece : pieces) {
        Row.Spilled spilled = piece.spilled();
        if (!spilled.file().equals(open)) {
          if (in != null) {
            in.close();
          }
          in = fs.open(new Path(spilled.file()));
          open = spilled.file();
        }
        in.seek(spilled.offset());
        add(tar, piece.key() + "." + extension, in, spilled.imageBytes());
        add(tar, piece.key() + ".txt", in, spilled.captionBytes());
        add(tar, piece.key() + ".json", in, spilled.jsonBytes());
      }
    } finally {
      if (in != null) {
        in.close();
      }
    }
  }

  private static void add(TarArchiveOutputStream tar, String name, FSDataInputStream in, int size)
      throws IOException {
    byte[] bytes = new byte[size];
    in.readFully(bytes);
    TarArchiveEntry entry = new TarArchiveEntry(name);
    entry.setSize(size);
    entry.setModTime(0L);
    entry.setIds(0, 0);
    entry.setNames("", "");
    entry.setMode(MODE);
    tar.putArchiveEntry(entry);
    tar.write(bytes);
    tar.closeArchiveEntry();
  }

  /** Counts what goes through. */
  private static final class CountingStream extends FilterOutputStream {
    private long count;

    CountingStream(OutputStream out) {
      super(out);
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      count++;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
      count += length;
    }
  }
}

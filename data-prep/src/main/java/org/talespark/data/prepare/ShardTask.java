package org.talespark.data.prepare;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Writes one shard: samples from the spill files into a tar. The bytes depend on the samples alone:
 * ustar headers with no time, owner or host.
 */
record ShardTask(Target target, String spillFolder, ImageFormat format, Milestone milestone)
    implements Serializable {

  private static final int MODE = 0100644;

  /** Tar's usual record of twenty blocks. */
  private static final int BLOCK = 20 * 512;

  private static final int BUFFER = 1 << 16;

  /** Neighbours in a shard can come from different tasks. */
  private static final int MOST_OPEN = 8;

  /**
   * Writes.
   *
   * @param number of the shard in this run
   * @param pieces in the shard's order
   * @param attempt unique among attempts
   */
  Target.Written run(int number, Iterator<Piece> pieces, String attempt, Configuration hadoop)
      throws IOException {
    milestone.reached(Milestone.Place.WRITING_SHARD);
    return target.write(number, attempt, hadoop, out -> tar(out, pieces, hadoop));
  }

  private long tar(OutputStream out, Iterator<Piece> pieces, Configuration hadoop)
      throws IOException {
    long samples = 0;
    try (Spills spills = new Spills(new Path(spillFolder), hadoop);
        TarArchiveOutputStream tar =
            new TarArchiveOutputStream(new BufferedOutputStream(out, BUFFER), BLOCK, "UTF-8")) {
      while (pieces.hasNext()) {
        Piece piece = pieces.next();
        FSDataInputStream in = spills.at(piece);
        byte[] image = new byte[piece.imageBytes()];
        in.readFully(image);
        byte[] sidecar = new byte[piece.sidecarBytes()];
        in.readFully(sidecar);
        add(tar, piece.key() + "." + format.id(), image);
        add(tar, piece.key() + ".txt", piece.txt());
        add(tar, piece.key() + ".json", piece.json(sidecar));
        samples++;
      }
    }
    return samples;
  }

  private static void add(TarArchiveOutputStream tar, String name, byte[] bytes)
      throws IOException {
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

  /** The spill files that were used last, open. */
  private static final class Spills implements AutoCloseable {

    private final Path folder;
    private final FileSystem fs;
    private final LinkedHashMap<String, FSDataInputStream> open =
        new LinkedHashMap<>(16, 0.75f, true);

    Spills(Path folder, Configuration hadoop) throws IOException {
      this.folder = folder;
      this.fs = Storage.of(folder, hadoop);
    }

    FSDataInputStream at(Piece piece) throws IOException {
      FSDataInputStream in = open.get(piece.file());
      if (in == null) {
        if (open.size() == MOST_OPEN) {
          Map.Entry<String, FSDataInputStream> oldest = open.entrySet().iterator().next();
          open.remove(oldest.getKey()).close();
        }
        in = fs.open(new Path(folder, piece.file()));
        open.put(piece.file(), in);
      }
      in.seek(piece.offset());
      return in;
    }

    @Override
    public void close() throws IOException {
      for (FSDataInputStream in : open.values()) {
        in.close();
      }
    }
  }
}

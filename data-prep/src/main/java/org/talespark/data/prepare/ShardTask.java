package org.talespark.data.prepare;

import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.dataset.ShardWriter;

/**
 * Writes one shard: samples from the spill files into a tar, whose bytes depend on the samples
 * alone.
 */
record ShardTask(Target target, String spillFolder, ImageFormat format, Milestone milestone)
    implements Serializable {

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
        ShardWriter shard = new ShardWriter(out)) {
      while (pieces.hasNext()) {
        Piece piece = pieces.next();
        FSDataInputStream in = spills.at(piece);
        byte[] image = new byte[piece.imageBytes()];
        in.readFully(image);
        byte[] sidecar = new byte[piece.sidecarBytes()];
        in.readFully(sidecar);
        shard.add(piece.key() + "." + format.id(), image);
        shard.add(piece.key() + ".txt", piece.txt());
        shard.add(piece.key() + ".json", piece.json(sidecar));
        samples++;
      }
    }
    return samples;
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

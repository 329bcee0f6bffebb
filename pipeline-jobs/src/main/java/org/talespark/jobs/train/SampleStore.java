package org.talespark.jobs.train;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;

/**
 * Random access to the samples of one split: keys, captions and where each picture lies are read
 * once, the pictures when they are asked for. Every shard's checksum is compared on the way in.
 */
final class SampleStore implements AutoCloseable {

  private record Entry(int shard, long offset, int length, String key, String caption) {}

  private final List<Shard> shards;
  private final List<Entry> entries = new ArrayList<>();
  private final Configuration hadoop;
  private final Map<Integer, FSDataInputStream> open = new HashMap<>();

  private SampleStore(List<Shard> shards, Configuration hadoop) {
    this.shards = shards;
    this.hadoop = hadoop;
  }

  /**
   * Indexes a split.
   *
   * @throws BadInputException when the split is empty or a shard is damaged
   */
  static SampleStore open(Dataset dataset, Split split, Configuration hadoop) {
    SampleStore store = new SampleStore(dataset.shards(split), hadoop);
    for (int i = 0; i < store.shards.size(); i++) {
      store.shards.get(i).verify(hadoop);
      store.index(i);
    }
    if (store.entries.isEmpty()) {
      throw new BadInputException(
          "Cannot use dataset: dataset=%s split=%s has no samples, expected at least one; prepare with more pictures or a larger share for this split"
              .formatted(dataset.uri(), split.id()));
    }
    return store;
  }

  private void index(int shard) {
    Path path = new Path(shards.get(shard).uri());
    Map<String, String> captions = new HashMap<>();
    List<Entry> pictures = new ArrayList<>();
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(
            new BufferedInputStream(path.getFileSystem(hadoop).open(path), 1 << 18))) {
      for (TarArchiveEntry e = tar.getNextTarEntry(); e != null; e = tar.getNextTarEntry()) {
        int dot = e.getName().lastIndexOf('.');
        String key = e.getName().substring(0, dot);
        switch (e.getName().substring(dot + 1)) {
          case "txt" ->
              captions.put(
                  key, new String(tar.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8));
          case "png", "jpg" ->
              pictures.add(
                  new Entry(shard, tar.getBytesRead(), Math.toIntExact(e.getSize()), key, ""));
          default -> {}
        }
      }
    } catch (IOException e) {
      throw new BadInputException("Cannot read shard: shard=%s".formatted(path), e);
    }
    for (Entry p : pictures) {
      entries.add(
          new Entry(
              p.shard(), p.offset(), p.length(), p.key(), captions.getOrDefault(p.key(), "")));
    }
  }

  int size() {
    return entries.size();
  }

  String key(int sample) {
    return entries.get(sample).key();
  }

  String caption(int sample) {
    return entries.get(sample).caption();
  }

  /** The decoded picture, [3, size, size] in [-1, 1]. */
  float[] picture(int sample, int size) {
    return Images.decodePlanar(file(entries.get(sample)), size);
  }

  private synchronized byte[] file(Entry entry) {
    byte[] bytes = new byte[entry.length()];
    try {
      FSDataInputStream in = open.get(entry.shard());
      if (in == null) {
        Path path = new Path(shards.get(entry.shard()).uri());
        in = path.getFileSystem(hadoop).open(path);
        open.put(entry.shard(), in);
      }
      in.readFully(entry.offset(), bytes);
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot read sample: key=%s shard=%s"
              .formatted(entry.key(), shards.get(entry.shard()).uri()),
          e);
    }
  }

  @Override
  public synchronized void close() {
    for (FSDataInputStream in : open.values()) {
      try {
        in.close();
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot close shard", e);
      }
    }
    open.clear();
  }
}

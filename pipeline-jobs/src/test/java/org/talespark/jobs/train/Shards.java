package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.Sha256;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.image.Images;

/** Datasets written by hand: a few tiny pictures, all different, in shards of given sizes. */
public final class Shards {
  static final int SIZE = 8;

  private Shards() {}

  /** The key of a sample. */
  public static String key(int shard, int index) {
    return "s%03d-%03d".formatted(shard, index);
  }

  /** The picture of a sample, in a size that needs no scaling. */
  static byte[] picture(int shard, int index) {
    float[] planes = new float[3 * SIZE * SIZE];
    for (int i = 0; i < planes.length; i++) {
      planes[i] = (float) Math.sin(0.1 * i + 3 * shard + 0.7 * index);
    }
    return Images.encodePng(planes, SIZE);
  }

  /** Training shards of so many samples. */
  public static Dataset dataset(Path folder, int... counts) throws IOException {
    List<byte[]> shards = new ArrayList<>();
    for (int i = 0; i < counts.length; i++) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
        for (int j = 0; j < counts[i]; j++) {
          add(tar, key(i, j) + ".png", picture(i, j));
          add(tar, key(i, j) + ".txt", ("caption of " + key(i, j)).getBytes(UTF_8));
          add(tar, key(i, j) + ".json", "{}".getBytes(UTF_8));
        }
      }
      shards.add(bytes.toByteArray());
    }
    return dataset(folder, shards, counts);
  }

  /** Shards of these bytes, whatever they are. */
  static Dataset dataset(Path folder, List<byte[]> shards, int... counts) throws IOException {
    Files.createDirectories(folder.resolve("shards"));
    List<DatasetManifest.ShardEntry> entries = new ArrayList<>();
    long total = 0;
    for (int i = 0; i < counts.length; i++) {
      String name = "shards/%05d.tar".formatted(i);
      Files.write(folder.resolve(name), shards.get(i));
      entries.add(
          new DatasetManifest.ShardEntry(
              name, "train", counts[i], shards.get(i).length, Sha256.hex(shards.get(i))));
      total += counts[i];
    }
    String none = Sha256.hex(new byte[0]);
    DatasetManifest manifest =
        new DatasetManifest(
            DatasetManifest.SCHEMA_VERSION,
            JsonNodeFactory.instance.objectNode(),
            new DatasetManifest.Input(List.of("/corpus"), none, total),
            Map.of("accepted", total),
            Map.of(),
            Map.of("train", total),
            new DatasetManifest.Index(
                total,
                List.of(new DatasetManifest.IndexFile("index/00000.parquet", total, 0, none))),
            entries);
    Files.write(folder.resolve(DatasetManifest.FILE), manifest.toJson());
    return Dataset.open(folder.toUri(), new Configuration());
  }

  static void add(TarArchiveOutputStream tar, String name, byte[] bytes) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(name);
    entry.setSize(bytes.length);
    tar.putArchiveEntry(entry);
    tar.write(bytes);
    tar.closeArchiveEntry();
  }

  /** Settings without variation; the cache lies below the folder. */
  static TrainConfig.Data data(Path folder, int window, int threads, Augment augment) {
    return new TrainConfig.Data(
        SIZE,
        false,
        4,
        window,
        3,
        threads,
        20,
        new TrainConfig.Cache(1L << 20, folder.resolve("cache").toString()),
        augment);
  }
}

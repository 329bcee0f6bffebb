package org.talespark.data.corpus;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.DatasetManifest;

/** A dataset as an input: the shards that its manifest lists, nothing else. */
final class PreparedDataset {

  private static final int MOST_MANIFEST_BYTES = 256 << 20;

  private PreparedDataset() {}

  /** The manifest among an input's files, or null; pictures beside it make it something else. */
  static FoundFile manifest(Input input) {
    FoundFile manifest = null;
    for (FoundFile file : input.walked()) {
      if (Kind.of(file) == Kind.PICTURE) {
        return null;
      }
      if (file.relative().equals(input.prefix() + DatasetManifest.FILE) && !file.unsafe()) {
        manifest = file;
      }
    }
    return manifest;
  }

  /**
   * The shards.
   *
   * @throws BadInputException when the manifest or a shard is damaged or missing
   */
  static List<FoundFile> shards(Input input, FoundFile manifest, Configuration hadoop)
      throws IOException {
    if (manifest.bytes() > MOST_MANIFEST_BYTES) {
      throw new BadInputException(
          "Cannot open dataset: manifest=%s bytes=%d, expected at most %d; try preparing it again"
              .formatted(manifest.source(), manifest.bytes(), MOST_MANIFEST_BYTES));
    }
    byte[] json = new byte[(int) manifest.bytes()];
    try (FSDataInputStream in = Storage.open(manifest, hadoop)) {
      in.readFully(json);
    }
    Map<String, FoundFile> files = new HashMap<>();
    input.walked().forEach(file -> files.put(file.relative(), file));
    List<FoundFile> shards = new ArrayList<>();
    for (DatasetManifest.ShardEntry entry :
        DatasetManifest.fromJson(json, manifest.source()).shards()) {
      FoundFile shard = files.get(input.prefix() + entry.path());
      if (shard == null || shard.unsafe() || shard.bytes() != entry.bytes()) {
        throw new BadInputException(
            "Cannot open dataset: dataset=%s shard=%s bytes=%s, expected %d; try preparing it again"
                .formatted(
                    input.given(),
                    entry.path(),
                    shard == null ? "missing" : shard.bytes(),
                    entry.bytes()));
      }
      shards.add(shard);
    }
    return shards;
  }
}

package org.talespark.data.prepare;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.dataset.DatasetManifest;

/**
 * Which files a run makes beside the old dataset's, and which of those it replaces.
 *
 * @param shardFolder such as {@code shards}
 * @param firstShard number of the first new shard
 * @param firstIndex number of the first new index file
 * @param replaces entries of the old dataset that go after the commit
 */
record Additions(
    String shardFolder, String indexFolder, int firstShard, int firstIndex, Set<String> replaces) {

  private static final String SHARDS = "shards";
  private static final String INDEX = "index";
  private static final String OTHER = "-b";

  /** A dataset in place of the old one, if there is one. */
  static Additions replacing(DatasetManifest old) {
    Set<String> used = new HashSet<>();
    if (old != null) {
      old.paths().forEach(path -> used.add(folder(path)));
    }
    return new Additions(free(SHARDS, used), free(INDEX, used), 0, 0, used);
  }

  /** Files beside those of the old dataset. */
  static Additions adding(DatasetManifest old) {
    int shards = old.shards().size();
    int files = old.index().files().size();
    return new Additions(
        folder(old.shards().get(shards - 1).path()),
        folder(old.index().files().get(files - 1).path()),
        shards,
        files,
        Set.of());
  }

  private static String free(String name, Set<String> used) {
    return used.contains(name) ? name + OTHER : name;
  }

  private static String folder(String path) {
    return path.split("/", 2)[0];
  }

  Target shards(Path root, Path staging) {
    return new Target(root.toString(), shardFolder, "tar", firstShard, staging.toString());
  }

  Target index(Path root, Path staging) {
    return new Target(root.toString(), indexFolder, "parquet", firstIndex, staging.toString());
  }

  Staging.Changes changes(boolean adds) {
    return adds
        ? new Staging.Changes(
            List.of(), Set.of(), Map.of(shardFolder, firstShard, indexFolder, firstIndex))
        : new Staging.Changes(List.of(shardFolder, indexFolder), replaces, Map.of());
  }

  /**
   * Makes sure that nobody else's files are in the way.
   *
   * @throws IllegalArgumentException when there are
   */
  void requireFree(FileSystem fs, Path root, boolean adds) throws IOException {
    List<String> made =
        adds
            ? List.of(
                String.format(Locale.ROOT, "%s/%05d.tar", shardFolder, firstShard),
                String.format(Locale.ROOT, "%s/%05d.parquet", indexFolder, firstIndex))
            : List.of(shardFolder, indexFolder);
    for (String name : made) {
      if (fs.exists(new Path(root, name))) {
        throw new IllegalArgumentException(
            "Cannot prepare: out=%s holds %s that no dataset lists, expected an empty folder or a dataset; try another --out"
                .formatted(root, name));
      }
    }
  }
}

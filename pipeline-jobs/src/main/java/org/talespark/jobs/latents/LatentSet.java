package org.talespark.jobs.latents;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.zoo.train.LatentSpace;

/** The committed latents of a dataset: shards of {@code KEY.npy} and {@code KEY.txt}. */
public final class LatentSet {
  private final String uri;
  private final LatentManifest manifest;

  private LatentSet(String uri, LatentManifest manifest) {
    this.uri = uri;
    this.manifest = manifest;
  }

  /**
   * Opens a directory.
   *
   * @throws BadInputException when it holds no committed latents
   */
  public static LatentSet open(String uri, Configuration hadoop) {
    return find(uri, hadoop)
        .orElseThrow(
            () ->
                new BadInputException(
                    "Cannot use latents: latents=%s holds none that are committed; try to train again"
                        .formatted(uri)));
  }

  /** What a directory holds; empty when nothing is committed in it. */
  static Optional<LatentSet> find(String uri, Configuration hadoop) {
    Path root = new Path(uri);
    try {
      FileSystem fs = root.getFileSystem(hadoop);
      if (CommittedOutput.result(fs, root).isEmpty()) {
        return Optional.empty();
      }
      try (InputStream in = fs.open(new Path(root, LatentManifest.FILE))) {
        String json = new String(in.readAllBytes(), UTF_8);
        String whole = fs.makeQualified(root).toString();
        return Optional.of(new LatentSet(whole, LatentManifest.fromJson(json, whole)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot use latents: latents=" + uri, e);
    }
  }

  public String uri() {
    return uri;
  }

  public LatentSpace space() {
    return manifest.space();
  }

  LatentManifest manifest() {
    return manifest;
  }

  /** The shards of a split, in order. */
  public List<Shard> shards(Split split) {
    return manifest.shards().stream()
        .filter(s -> s.split().equals(split.id()))
        .map(s -> new Shard(uri + "/" + s.path(), split, s.samples(), s.bytes(), s.sha256()))
        .toList();
  }
}

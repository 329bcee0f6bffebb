package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.Sha256;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.HadoopModelFiles;
import org.talespark.zoo.contrastive.HfClip;
import org.talespark.zoo.io.ModelWeights;
import org.talespark.zoo.train.Pretrained;

/**
 * What {@code --checkpoint} names, to be used and not trained: a run directory (its best
 * checkpoint, else its latest), one checkpoint, or a Hugging Face directory of a CLIP.
 */
public final class UsedCheckpoint {
  private final Checkpoint checkpoint; // null for a Hugging Face directory
  private final HadoopModelFiles directory; // null for one of ours

  private UsedCheckpoint(Checkpoint checkpoint, HadoopModelFiles directory) {
    this.checkpoint = checkpoint;
    this.directory = directory;
  }

  /**
   * Finds it.
   *
   * @throws BadInputException when there is none
   */
  public static UsedCheckpoint find(String uri, Configuration hadoop) {
    Path path = new Path(uri);
    try {
      FileSystem fs = path.getFileSystem(hadoop);
      HadoopModelFiles files = new HadoopModelFiles(fs, path);
      boolean foreign =
          files.has(LearnerFiles.CONFIG)
              && !fs.exists(new Path(path, "COMMITTED"))
              && (files.has(ModelWeights.FILE) || files.has(ModelWeights.INDEX))
              && !files.has(LearnerFiles.STATE);
      return foreign
          ? new UsedCheckpoint(null, files)
          : new UsedCheckpoint(RunDirectory.checkpoint(uri, hadoop), null);
    } catch (IOException e) {
      throw new BadInputException(
          "Cannot use checkpoint: checkpoint=%s; %s".formatted(uri, e.getMessage()), e);
    }
  }

  /** Whether it is a Hugging Face directory, which does not say how it was trained. */
  public boolean isForeign() {
    return directory != null;
  }

  /** The directory itself, whole: it stands for the same weights on every executor. */
  public String uri() {
    return isForeign() ? directory.toString() : checkpoint.path().toString();
  }

  /** Configuration and files, without the weights. */
  public Pretrained described() throws IOException {
    return isForeign() ? HfClip.described(directory) : LearnerFiles.described(checkpoint, Map.of());
  }

  /**
   * Everything: averaged weights, or the weights where there are no averaged ones.
   *
   * @throws IllegalArgumentException when the parts do not fit together
   */
  public Pretrained read() throws IOException {
    return isForeign()
        ? HfClip.read(directory).pretrained()
        : LearnerFiles.described(checkpoint, LearnerFiles.weights(checkpoint));
  }

  /**
   * The hash of the weights that {@link #read} takes: of one file, or of an index and its files.
   */
  public String sha256() throws IOException {
    if (!isForeign()) {
      return LearnerFiles.sha256(checkpoint);
    }
    if (directory.has(ModelWeights.FILE)) {
      return directory.sha256(ModelWeights.FILE);
    }
    Set<String> names = new TreeSet<>();
    JsonNode places =
        LearnerFiles.JSON
            .readTree(new String(directory.bytes(ModelWeights.INDEX), UTF_8))
            .path("weight_map");
    places.forEach(name -> names.add(name.asText()));
    StringBuilder hashes = new StringBuilder(directory.sha256(ModelWeights.INDEX));
    for (String name : names) {
      hashes.append('\n').append(directory.sha256(name));
    }
    return Sha256.hex(hashes.toString().getBytes(UTF_8));
  }
}

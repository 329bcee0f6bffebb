package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.util.HashMap;
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
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.train.Pretrained;

/**
 * What {@code --checkpoint} names, to be used and not trained: a run directory (its best
 * checkpoint, else its latest), one checkpoint, a Hugging Face directory of a CLIP, or a PEFT
 * directory. What holds adapters is, when read, its base with the adapters merged.
 */
public final class UsedCheckpoint {
  private final Checkpoint checkpoint; // null for a Hugging Face directory
  private final HadoopModelFiles directory; // null for one of ours
  private final Configuration hadoop;

  private UsedCheckpoint(Checkpoint checkpoint, HadoopModelFiles directory, Configuration hadoop) {
    this.checkpoint = checkpoint;
    this.directory = directory;
    this.hadoop = hadoop;
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
      boolean model =
          files.has(LearnerFiles.CONFIG)
              && (files.has(ModelWeights.FILE) || files.has(ModelWeights.INDEX));
      boolean foreign =
          (model || files.has(PeftAdapter.CONFIG))
              && !Checkpoint.isIn(fs, path)
              && !files.has(LearnerFiles.STATE);
      return foreign
          ? new UsedCheckpoint(null, files, hadoop)
          : new UsedCheckpoint(RunDirectory.checkpoint(uri, hadoop), null, hadoop);
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

  /** The base of the adapters that this holds. */
  private UsedCheckpoint base(byte[] file, JsonNode config) throws IOException {
    return AdapterBase.find(file, config, uri(), hadoop);
  }

  private boolean isPeft() throws IOException {
    return isForeign() && directory.has(PeftAdapter.CONFIG);
  }

  /** Configuration and files, without the weights. */
  public Pretrained described() throws IOException {
    if (isPeft()) {
      return base(directory.bytes(PeftAdapter.CONFIG), MissingNode.getInstance()).described();
    }
    return isForeign() ? HfClip.described(directory) : LearnerFiles.described(checkpoint, Map.of());
  }

  /**
   * Everything: averaged weights, or the weights where there are no averaged ones.
   *
   * @throws IllegalArgumentException when the parts do not fit together
   */
  public Pretrained read() throws IOException {
    if (isPeft()) {
      byte[] file = directory.bytes(PeftAdapter.CONFIG);
      Pretrained base = base(file, MissingNode.getInstance()).read();
      PeftAdapter.read(directory).mergeInto(base.tensors());
      Map<String, byte[]> files = new HashMap<>(base.files());
      files.put(PeftAdapter.CONFIG, file);
      files.put(PeftAdapter.WEIGHTS, directory.bytes(PeftAdapter.WEIGHTS));
      return new Pretrained(base.config(), base.tensors(), files);
    }
    if (isForeign()) {
      return HfClip.read(directory).pretrained();
    }
    Pretrained own = LearnerFiles.described(checkpoint, LearnerFiles.weights(checkpoint));
    byte[] file = own.files().get(PeftAdapter.CONFIG);
    if (file == null) {
      return own;
    }
    Pretrained base = base(file, own.config()).read();
    PeftAdapter.of(file, own.tensors()).mergeInto(base.tensors());
    return new Pretrained(own.config(), base.tensors(), own.files());
  }

  /**
   * The hash of the weights that {@link #read} takes: of one file, or of an index and its files.
   */
  public String sha256() throws IOException {
    if (!isForeign()) {
      return LearnerFiles.sha256(checkpoint);
    }
    if (isPeft()) {
      return directory.sha256(PeftAdapter.WEIGHTS);
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

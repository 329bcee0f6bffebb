package org.talespark.jobs.infer;

import java.io.IOException;
import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.talespark.data.BadInputException;
import org.talespark.jobs.train.UsedCheckpoint;
import org.talespark.zoo.contrastive.ClipEmbedder;
import org.talespark.zoo.io.SafetensorsException;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.train.Pretrained;

/**
 * A CLIP that is used: a run's checkpoint, one by itself, or a Hugging Face directory.
 *
 * @param uri whole, of the directory itself
 * @param sha256 of its weights
 * @param width of an embedding
 */
public record ClipCheckpoint(String uri, String sha256, int width) implements Serializable {
  /** Pictures or texts of a pass. */
  static final int BATCH = 32;

  /**
   * Finds a checkpoint and checks what can be checked without its weights.
   *
   * @throws BadInputException when there is none, it is no CLIP, or its tokenizer or processor does
   *     not fit
   */
  public static ClipCheckpoint find(String uri, Configuration hadoop) {
    try {
      UsedCheckpoint checkpoint = UsedCheckpoint.find(uri, hadoop);
      Pretrained described = checkpoint.described();
      int width = ClipEmbedder.check(described.config(), described.files());
      return new ClipCheckpoint(checkpoint.uri(), checkpoint.sha256(), width);
    } catch (IOException | IllegalArgumentException | SafetensorsException e) {
      throw refused(uri, e);
    }
  }

  /**
   * Opens it in a task.
   *
   * @throws BadInputException when weights and configuration do not fit together
   */
  public ClipEmbedder open(Configuration hadoop) {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(TaskContext.get().cpus()));
    try {
      return new ClipEmbedder(UsedCheckpoint.find(uri, hadoop).read(), BATCH);
    } catch (IOException | IllegalArgumentException | SafetensorsException e) {
      throw refused(uri, e);
    }
  }

  private static BadInputException refused(String uri, Exception e) {
    return new BadInputException(
        "Cannot embed: checkpoint=%s; %s".formatted(uri, e.getMessage()), e);
  }
}

package org.talespark.jobs.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;
import java.util.TreeMap;

/**
 * The file {@code manifest.json} of a checkpoint.
 *
 * @param version of this layout
 * @param step the training step
 * @param files by name
 */
record Manifest(
    @JsonProperty("version") int version,
    @JsonProperty("step") long step,
    @JsonProperty("files") Map<String, Entry> files) {

  static final int VERSION = 1;

  Manifest {
    if (version != VERSION || step < 0 || files == null) {
      throw new IllegalArgumentException(
          "Cannot read manifest: version=%d, step=%d, expected version %d and a step and files"
              .formatted(version, step, VERSION));
    }
    files = new TreeMap<>(files);
  }

  /**
   * A file.
   *
   * @param length in bytes
   * @param sha256 in lower-case hexadecimal digits
   */
  record Entry(@JsonProperty("length") long length, @JsonProperty("sha256") String sha256) {}
}

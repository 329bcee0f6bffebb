package org.talespark.jobs.train;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where a run reads and writes.
 *
 * @param dataset the dataset's URI, or that of its latents where the task has a first stage
 * @param base a checkpoint whose weights to begin with, or null
 * @param resume whether to go on from the latest committed checkpoint, if there is one
 * @param attempt the token without which nothing may be written ({@link
 *     org.talespark.jobs.checkpoint.RunLock#newAttempt}); null until an attempt begins
 * @param versions of this program and its libraries, for the checkpoint
 */
record RunOptions(
    String dataset,
    String out,
    String base,
    boolean resume,
    String attempt,
    Map<String, String> versions)
    implements Serializable {
  RunOptions {
    versions = new TreeMap<>(versions);
  }

  /** The same for an attempt, from the latest committed checkpoint if that is wanted. */
  RunOptions attempt(String token, boolean resuming) {
    return new RunOptions(dataset, out, base, resuming, token, versions);
  }
}

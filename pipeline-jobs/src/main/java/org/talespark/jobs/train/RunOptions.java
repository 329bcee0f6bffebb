package org.talespark.jobs.train;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where a run reads and writes.
 *
 * @param base a checkpoint whose weights to begin with, or null
 * @param resume whether to go on from the latest committed checkpoint, if there is one
 * @param versions of this program and its libraries, for the checkpoint
 */
record RunOptions(
    String dataset, String out, String base, boolean resume, Map<String, String> versions)
    implements Serializable {
  RunOptions {
    versions = new TreeMap<>(versions);
  }

  /** The same, from the latest committed checkpoint if there is one. */
  RunOptions resuming() {
    return new RunOptions(dataset, out, base, true, versions);
  }
}

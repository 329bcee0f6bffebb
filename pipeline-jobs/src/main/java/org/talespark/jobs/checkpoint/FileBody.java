package org.talespark.jobs.checkpoint;

import java.io.IOException;
import java.io.OutputStream;

/** The contents of one file of a checkpoint. */
@FunctionalInterface
public interface FileBody {
  /** Writes everything; the stream is closed by the caller. */
  void writeTo(OutputStream out) throws IOException;
}

package org.talespark.data.corpus;

import java.io.IOException;

/**
 * Bytes of an input whose length is known before they are read, so that a task can decide not to.
 * Valid until the next candidate is asked for.
 */
public interface Blob {

  /** The length, also of what is too long to be read. */
  long bytes();

  /**
   * All bytes, {@link #bytes()} of them; not to be changed by the caller.
   *
   * @throws IOException when the storage fails
   * @throws IllegalStateException when the length is beyond the limits of {@link ReadLimits}
   */
  byte[] read() throws IOException;

  /** Bytes in memory. */
  static Blob of(byte[] bytes) {
    return new HeldBlob(bytes, bytes.length);
  }

  /** Bytes that were skipped because they are beyond the limits. */
  static Blob skipped(long bytes) {
    return new HeldBlob(null, bytes);
  }
}

package org.talespark.jobs.checkpoint;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.util.Locale;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.ParentNotDirectoryException;
import org.apache.hadoop.hdfs.BlockMissingException;
import org.apache.hadoop.hdfs.protocol.QuotaExceededException;
import org.apache.hadoop.security.AccessControlException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats file-system calls that may be repeated: the one place where passing failures are waited
 * out. What does not pass by itself is not tried again: a file that is missing or in the way, a
 * missing permission, damaged bytes, a full disk, an interrupt.
 *
 * @param tries at most, at least 1
 * @param firstPauseMillis before the second try; each further pause is four times as long
 */
record Retries(int tries, long firstPauseMillis) {
  /** Three tries within about half a second; the file systems' own retries come on top. */
  static final Retries DEFAULT = new Retries(3, 100);

  private static final Logger LOG = LoggerFactory.getLogger(Retries.class);
  private static final int GROWTH = 4;

  /** Something that may be done again when it failed halfway. */
  @FunctionalInterface
  interface Call<T> {
    T run() throws IOException;
  }

  Retries {
    if (tries < 1 || firstPauseMillis < 0) {
      throw new IllegalArgumentException(
          "Cannot retry: tries=%d first_pause_millis=%d, expected at least 1 and at least 0"
              .formatted(tries, firstPauseMillis));
    }
  }

  /**
   * Runs a call until it succeeds.
   *
   * @param what for messages: "write hdfs://..."
   * @throws IOException what the last try threw, with the name of the call unless its type says
   *     enough
   */
  <T> T of(String what, Call<T> call) throws IOException {
    long pause = firstPauseMillis;
    for (int attempt = 1; ; attempt++) {
      IOException failure;
      try {
        return call.run();
      } catch (FSError e) { // how Hadoop's local file system says that the disk refused
        failure = new IOException(e.getCause().getMessage(), e);
      } catch (IOException e) {
        failure = e;
      }
      if (saysEnough(failure)) {
        throw failure;
      }
      if (attempt == tries || isFull(failure) || isInterrupt(failure)) {
        throw new IOException("Cannot %s: %s".formatted(what, failure.getMessage()), failure);
      }
      LOG.warn("Trying again to {}: {}", what, failure.toString());
      sleep(what, pause);
      pause *= GROWTH;
    }
  }

  private static boolean saysEnough(IOException failure) {
    return failure instanceof FileNotFoundException
        || failure instanceof FileAlreadyExistsException
        || failure instanceof ParentNotDirectoryException
        || failure instanceof AccessControlException
        || isDamage(failure);
  }

  /** Whether the bytes are gone or wrong, whoever asks and however often. */
  static boolean isDamage(IOException failure) {
    return failure instanceof DamagedCheckpointException
        || failure instanceof ChecksumException
        || failure instanceof BlockMissingException
        || failure instanceof EOFException;
  }

  private static boolean isFull(IOException failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      String message = t.getMessage() == null ? "" : t.getMessage().toLowerCase(Locale.ROOT);
      if (t instanceof QuotaExceededException
          || message.contains("no space left on device")
          || message.contains("disk quota exceeded")) {
        return true;
      }
    }
    return false;
  }

  private static boolean isInterrupt(IOException failure) {
    return failure instanceof ClosedByInterruptException
        || (failure instanceof InterruptedIOException
            && !(failure instanceof SocketTimeoutException));
  }

  private static void sleep(String what, long millis) throws InterruptedIOException {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("Cannot %s: interrupted".formatted(what));
    }
  }
}

package org.talespark.jobs.sharing;

import io.aeron.Aeron;
import io.aeron.CommonContext;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.io.File;
import java.util.UUID;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.agrona.ErrorHandler;
import org.agrona.IoUtil;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.SleepingMillisIdleStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Aeron's media driver and client for one node, with settings for a process that has other things
 * to do: one daemon thread for the driver that sleeps when nothing moves, buffers of megabytes, a
 * directory that goes away, and errors that are handed on instead of ending the process.
 */
final class AeronNode implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AeronNode.class);
  private static final Pattern OURS =
      Pattern.compile("talespark-aeron-([0-9]{1,18})-[0-9a-f-]{36}");
  private static final long DRIVER_SILENT_MILLIS = 10_000;

  /** Unless it is above the client's limit, the media driver of this version does not start. */
  private static final String UNBLOCK_TIMEOUT = "aeron.publication.unblock.timeout";

  private static final String TERM_LENGTH = "aeron.term.buffer.length";

  /** Three of these for each direction between two nodes; an eighth is the longest message. */
  private static final int TERM_BYTES = 2 << 20;

  /** Asked for; the operating system may give less, down to Aeron's default of 128 KiB. */
  private static final int SOCKET_BYTES = 1 << 20;

  private static final long CLIENT_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long CONDUCTOR_SLEEP_MILLIS = 4;

  private final MediaDriver driver;
  private final Aeron aeron;

  private AeronNode(MediaDriver driver, Aeron aeron) {
    this.driver = driver;
    this.aeron = aeron;
  }

  /**
   * Sets what the library's own start of Aeron reads from system properties, unless it is set: with
   * its defaults that start fails, or takes 100 MB of shared memory for each connection.
   */
  static void prepareProperties() {
    setIfMissing(UNBLOCK_TIMEOUT, Long.toString(2 * CLIENT_LIMIT_NANOS));
    setIfMissing(TERM_LENGTH, Integer.toString(TERM_BYTES));
  }

  private static void setIfMissing(String key, String value) {
    if (System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }

  /**
   * Deletes what processes that were killed have left in shared memory: directories with our name,
   * of a process that is gone, whose driver gives no sign of life.
   */
  private static void sweep(File parent) {
    File[] found = parent.listFiles((dir, name) -> OURS.matcher(name).matches());
    for (File directory : found == null ? new File[0] : found) {
      Matcher name = OURS.matcher(directory.getName());
      boolean gone = name.matches() && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty();
      if (gone && !CommonContext.isDriverActive(directory, DRIVER_SILENT_MILLIS, text -> {})) {
        LOG.info("Deleting {}, which a killed process has left", directory);
        IoUtil.delete(directory, true);
      }
    }
  }

  /** Starts both; the handler gets what goes wrong in their threads. */
  static AeronNode start(ErrorHandler handler) {
    ThreadFactory daemons =
        task -> {
          Thread thread = new Thread(task, "parameter-server-aeron");
          thread.setDaemon(true);
          return thread;
        };
    IdleStrategy idle =
        new BackoffIdleStrategy(
            10, 20, TimeUnit.MICROSECONDS.toNanos(1), TimeUnit.MILLISECONDS.toNanos(1));
    File parent = new File(CommonContext.getAeronDirectoryName()).getAbsoluteFile().getParentFile();
    sweep(parent);
    String name = "talespark-aeron-" + ProcessHandle.current().pid() + "-" + UUID.randomUUID();
    MediaDriver driver =
        MediaDriver.launchEmbedded(
            new MediaDriver.Context()
                .aeronDirectoryName(new File(parent, name).getPath())
                .threadingMode(ThreadingMode.SHARED)
                .sharedIdleStrategy(idle)
                .sharedThreadFactory(daemons)
                .termBufferSparseFile(true)
                .publicationTermBufferLength(TERM_BYTES)
                .ipcTermBufferLength(TERM_BYTES)
                .socketRcvbufLength(SOCKET_BYTES)
                .socketSndbufLength(SOCKET_BYTES)
                .unicastFlowControlSupplier((channel, stream, id) -> new SlackFlowControl())
                .clientLivenessTimeoutNs(CLIENT_LIMIT_NANOS)
                .publicationUnblockTimeoutNs(2 * CLIENT_LIMIT_NANOS)
                .dirDeleteOnShutdown(true)
                .errorHandler(handler));
    try {
      Aeron aeron =
          Aeron.connect(
              new Aeron.Context()
                  .aeronDirectoryName(driver.aeronDirectoryName())
                  .driverTimeoutMs(TimeUnit.NANOSECONDS.toMillis(CLIENT_LIMIT_NANOS))
                  .idleStrategy(new SleepingMillisIdleStrategy(CONDUCTOR_SLEEP_MILLIS))
                  .threadFactory(daemons)
                  .errorHandler(handler));
      return new AeronNode(driver, aeron);
    } catch (RuntimeException e) {
      close(driver);
      throw e;
    }
  }

  Aeron aeron() {
    return aeron;
  }

  MediaDriver driver() {
    return driver;
  }

  /** Nobody may poll or offer any more: the buffers' memory goes away. */
  @Override
  public void close() {
    aeron.close();
    close(driver);
  }

  /** Closes a driver and deletes its directory. */
  static void close(MediaDriver driver) {
    driver.close();
    driver.context().deleteDirectory();
  }
}

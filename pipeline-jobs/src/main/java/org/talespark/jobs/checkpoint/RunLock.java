package org.talespark.jobs.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JacksonException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two runs from writing to one directory: the file {@code run.lock} names its holder and is
 * renewed by a thread. A lock that has not been renewed for its limit, or whose holder was a
 * process of this machine that is gone, is taken over.
 *
 * <p>File systems offer no compare-and-set: of two runs that renew or take over in the same
 * instant, the one whose renewal is overwritten learns it at its next renewal, within a sixth of
 * the limit; so {@link #check} comes before every commit.
 */
public final class RunLock implements AutoCloseable {
  /** How long a lock counts without being renewed, unless said otherwise. */
  public static final Duration LIMIT = Duration.ofSeconds(60);

  /**
   * Who holds a lock.
   *
   * @param owner one run's random id
   * @param started when the process began, in ms since 1970: a process id may have been given again
   * @param heartbeat when the lock was last renewed, in ms since 1970
   */
  record Lease(
      @JsonProperty("owner") String owner,
      @JsonProperty("host") String host,
      @JsonProperty("pid") long pid,
      @JsonProperty("started") long started,
      @JsonProperty("heartbeat") long heartbeat) {}

  private static final Logger LOG = LoggerFactory.getLogger(RunLock.class);
  private static final String FILE = "run.lock";
  private static final int RENEWALS_A_LIMIT = 6;

  private final FileSystem fs;
  private final Path file;
  private final Duration limit;
  private final Clock clock;
  private final String owner = UUID.randomUUID().toString();
  private final ScheduledExecutorService renewer;
  private final ScheduledFuture<?> renewal;
  private volatile long renewed;
  private volatile String lost;

  private RunLock(FileSystem fs, Path file, Duration limit, Clock clock) throws IOException {
    this.fs = fs;
    this.file = file;
    this.limit = limit;
    this.clock = clock;
    obtain();
    this.renewer =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "run-lock");
              thread.setDaemon(true);
              return thread;
            });
    long period = Math.max(1, limit.toMillis() / RENEWALS_A_LIMIT);
    this.renewal = renewer.scheduleAtFixedRate(this::renew, period, period, TimeUnit.MILLISECONDS);
  }

  /**
   * Locks a run directory, creating it when needed.
   *
   * @param limit how long the lock counts without being renewed
   * @throws IllegalStateException when another run holds it; the message says which
   */
  public static RunLock acquire(FileSystem fs, Path runDirectory, Duration limit)
      throws IOException {
    return acquire(fs, runDirectory, limit, Clock.systemUTC());
  }

  static RunLock acquire(FileSystem fs, Path runDirectory, Duration limit, Clock clock)
      throws IOException {
    FileSystem direct = Files.direct(fs);
    direct.mkdirs(runDirectory);
    return new RunLock(direct, new Path(runDirectory, FILE), limit, clock);
  }

  private void obtain() throws IOException {
    if (create()) {
      return;
    }
    Optional<Lease> holder = read();
    String claim = holder.isPresent() ? standing(holder.get()) : standingOfUnreadable();
    if (claim != null) {
      throw held(claim);
    }
    LOG.warn(
        "Taking over a run directory whose run is gone: lock={}, holder={}",
        file,
        holder.orElse(null));
    if (holder.equals(read())) { // nobody was quicker
      fs.delete(file, false);
    }
    if (!create()) {
      throw held(read().map(RunLock::describe).orElse("another run"));
    }
  }

  private IllegalStateException held(String holder) {
    return new IllegalStateException(
        "Cannot start a run: %s is held by %s, expected one run at a time; try another --out, or wait %d s after that run has ended"
            .formatted(file, holder, limit.toSeconds()));
  }

  /** Who rightly holds the lock, or null when it has lapsed. */
  private String standing(Lease lease) {
    boolean fresh = clock.millis() - lease.heartbeat() <= limit.toMillis();
    boolean gone = lease.host().equals(host()) && !alive(lease);
    return fresh && !gone ? describe(lease) : null;
  }

  /** A lock that cannot be read is being written now, or its writer died doing so. */
  private String standingOfUnreadable() throws IOException {
    try {
      long age = clock.millis() - fs.getFileStatus(file).getModificationTime();
      return age <= limit.toMillis() ? "a run that started just now" : null;
    } catch (FileNotFoundException e) {
      return null; // released meanwhile
    }
  }

  private static boolean alive(Lease lease) {
    return ProcessHandle.of(lease.pid())
        .filter(ProcessHandle::isAlive)
        .map(process -> started(process) == lease.started())
        .orElse(false);
  }

  private static long started(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  private static String describe(Lease lease) {
    return "run %s (process %d on %s, last seen %s)"
        .formatted(
            lease.owner(), lease.pid(), lease.host(), Instant.ofEpochMilli(lease.heartbeat()));
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (IOException e) {
      return "unknown-host-" + ProcessHandle.current().pid();
    }
  }

  private boolean create() throws IOException {
    try (FSDataOutputStream out = fs.create(file, false)) {
      write(out);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      if (fs.exists(file)) {
        return false; // file systems differ in how they say so
      }
      throw e;
    }
  }

  private void write(FSDataOutputStream out) throws IOException {
    long now = clock.millis();
    ProcessHandle me = ProcessHandle.current();
    out.write(Files.JSON.writeValueAsBytes(new Lease(owner, host(), me.pid(), started(me), now)));
    out.hsync();
    renewed = now;
  }

  private Optional<Lease> read() throws IOException {
    try {
      return Optional.of(Files.JSON.readValue(Files.read(fs, file), Lease.class));
    } catch (FileNotFoundException | JacksonException e) {
      return Optional.empty();
    }
  }

  private synchronized void renew() {
    try {
      Optional<Lease> holder = read();
      if (holder.isPresent() && !holder.get().owner().equals(owner)) {
        lost = "taken over by " + describe(holder.get());
        renewal.cancel(false);
      } else {
        try (FSDataOutputStream out = fs.create(file, true)) {
          write(out);
        }
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("Could not renew {}: {}", file, e.toString());
    }
  }

  /**
   * Makes sure that the lock still counts; call it before every commit.
   *
   * @throws IllegalStateException when another run has taken it over, or when it could not be
   *     renewed for its limit
   */
  public void check() {
    if (lost != null) {
      throw new IllegalStateException(
          "Cannot go on: %s was %s; try to stop one of the runs".formatted(file, lost));
    }
    long age = clock.millis() - renewed;
    if (age > limit.toMillis()) {
      throw new IllegalStateException(
          "Cannot go on: %s was not renewed for %d ms, expected at most %d; try the log for why the file system refused"
              .formatted(file, age, limit.toMillis()));
    }
  }

  /** Releases the lock, if it is still this run's. */
  @Override
  public void close() throws IOException {
    renewer.shutdownNow();
    synchronized (this) {
      Optional<Lease> holder = read();
      if (lost == null && holder.isPresent() && holder.get().owner().equals(owner)) {
        fs.delete(file, false);
      }
    }
  }
}

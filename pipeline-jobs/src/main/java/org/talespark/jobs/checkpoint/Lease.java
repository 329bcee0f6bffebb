package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;

/**
 * Who holds a lock.
 *
 * @param owner one run's random id
 * @param host for people
 * @param machine one boot of one machine, and the process numbers that count there; empty where
 *     that cannot be told. Host names are not unique
 * @param started when the process began, in ms since 1970: a process id may have been given again
 * @param heartbeat when the lock was last renewed, in ms since 1970 by the holder's clock
 * @param fence how many times the run has fenced off its earlier attempts
 */
record Lease(
    @JsonProperty("owner") String owner,
    @JsonProperty("host") String host,
    @JsonProperty("machine") String machine,
    @JsonProperty("pid") long pid,
    @JsonProperty("started") long started,
    @JsonProperty("heartbeat") long heartbeat,
    @JsonProperty("fence") long fence) {

  Lease {
    Objects.requireNonNull(owner, "owner");
    Objects.requireNonNull(machine, "machine");
  }

  /** This process's. */
  static Lease mine(String owner, long now) {
    ProcessHandle me = ProcessHandle.current();
    return new Lease(owner, thisHost(), thisMachine(), me.pid(), started(me), now, 0);
  }

  Lease renewed(long now) {
    return new Lease(owner, host, machine, pid, started, now, fence);
  }

  Lease fencedAgain() {
    return new Lease(owner, host, machine, pid, started, heartbeat, fence + 1);
  }

  /** Names the run and its present attempt. */
  String token() {
    return owner + "/" + fence;
  }

  /** Whether the holder was a process of this machine that is not there any more. */
  boolean isGone() {
    return !machine.isEmpty() && machine.equals(thisMachine()) && !isAlive();
  }

  private boolean isAlive() {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .map(process -> started(process) == started)
        .orElse(false);
  }

  String description() {
    return "run %s (process %d on %s, last seen %s)"
        .formatted(owner, pid, host, Instant.ofEpochMilli(heartbeat));
  }

  private static long started(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  private static String thisHost() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (IOException e) {
      return "an unknown host";
    }
  }

  static String thisMachine() {
    try {
      String boot = Files.readString(Path.of("/proc/sys/kernel/random/boot_id"), UTF_8).strip();
      return boot + " " + Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
    } catch (IOException | UnsupportedOperationException e) {
      return ""; // not Linux: a dead run's lock lapses by its age alone
    }
  }
}

package org.talespark.jobs.exchange;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.Serializable;
import org.talespark.jobs.config.Section;

/**
 * Settings of an exchange; in configuration files in snake case under {@code exchange}. What is
 * absent or null gets its default.
 *
 * @param timeoutSeconds how long a wait lasts while nothing moves, in seconds; also the limit for
 *     connecting; default 120
 * @param port the first port to listen on, 0 for any free one; default 0
 * @param ports how many ports, from {@code port} on, are tried; default 16; workers of one machine
 *     need one each
 * @param host the address that others are told to connect to; null, the default, for the executor's
 *     own. Where this machine has that address it listens there, else (behind address translation)
 *     on all of its own
 * @param wire how FLOAT arrays travel; default {@code full}
 * @param chunkBytes the unit in which large arrays travel and are summed, in bytes of memory, a
 *     multiple of 8; default 512 KiB
 * @param smallBytes arrays below this size, in bytes, are summed by a tree instead of a ring; null,
 *     the default, for 32 KiB a worker, at most 4 MiB: the more workers, the more rounds a ring
 *     takes
 */
public record ExchangeConfig(
    Integer timeoutSeconds,
    Integer port,
    Integer ports,
    String host,
    Wire wire,
    Integer chunkBytes,
    Integer smallBytes)
    implements Serializable {

  /** How the elements of FLOAT arrays travel. */
  public enum Wire {
    /** As they are. */
    @JsonProperty("full")
    FULL,
    /**
     * As IEEE 754 half precision with a power of two for each chunk: half of the bytes, about three
     * decimal digits. Sums are made in float32. Small arrays and DOUBLE arrays travel as they are.
     */
    @JsonProperty("half")
    HALF
  }

  /** The largest message of {@link Exchange#allGather}, in bytes. */
  public static final int MAX_GATHER_BYTES = 16 << 20;

  static final int MAX_CHUNK_BYTES = 16 << 20;

  private static final Section SECTION = new Section("use exchange setting", "exchange");
  private static final int MIN_CHUNK_BYTES = 64;
  private static final int MAX_PORT = 65_535;
  private static final int SMALL_BYTES_A_WORKER = 32 << 10;
  private static final int MAX_DEFAULT_SMALL_BYTES = 4 << 20;

  /** Fills in the defaults and checks every setting. */
  public ExchangeConfig {
    timeoutSeconds = timeoutSeconds == null ? 120 : timeoutSeconds;
    port = port == null ? 0 : port;
    ports = ports == null ? 16 : ports;
    wire = wire == null ? Wire.FULL : wire;
    chunkBytes = chunkBytes == null ? 512 << 10 : chunkBytes;
    SECTION.check(timeoutSeconds >= 1, "timeout_seconds", timeoutSeconds, "at least 1");
    SECTION.check(port >= 0 && port <= MAX_PORT, "port", port, "0 to " + MAX_PORT);
    SECTION.check(
        ports >= 1 && (port == 0 || port + ports - 1 <= MAX_PORT),
        "ports",
        ports,
        "at least 1, and port + ports - 1 at most " + MAX_PORT);
    SECTION.check(
        host == null || host.matches("[A-Za-z0-9.:_-]{1,253}"),
        "host",
        host,
        "an address or a host name");
    SECTION.check(
        chunkBytes >= MIN_CHUNK_BYTES
            && chunkBytes <= MAX_CHUNK_BYTES
            && chunkBytes % Double.BYTES == 0,
        "chunk_bytes",
        chunkBytes,
        "a multiple of 8 from " + MIN_CHUNK_BYTES + " to " + MAX_CHUNK_BYTES);
    SECTION.check(
        smallBytes == null || (smallBytes >= 0 && smallBytes <= MAX_GATHER_BYTES),
        "small_bytes",
        smallBytes,
        "0 to " + MAX_GATHER_BYTES);
  }

  /** Every setting at its default. */
  public static ExchangeConfig defaults() {
    return new ExchangeConfig(null, null, null, null, null, null, null);
  }

  /** The border between small and large arrays among so many workers, in bytes. */
  public int smallBytes(int workers) {
    return smallBytes != null
        ? smallBytes
        : (int) Math.min(MAX_DEFAULT_SMALL_BYTES, (long) SMALL_BYTES_A_WORKER * workers);
  }

  /** The same with another limit for waits. */
  public ExchangeConfig withTimeoutSeconds(int seconds) {
    return new ExchangeConfig(seconds, port, ports, host, wire, chunkBytes, smallBytes);
  }

  /** The same with another unit and another border between small and large arrays. */
  public ExchangeConfig withSizes(int newChunkBytes, int newSmallBytes) {
    return new ExchangeConfig(
        timeoutSeconds, port, ports, host, wire, newChunkBytes, newSmallBytes);
  }

  /** The same with FLOAT arrays travelling in another way. */
  public ExchangeConfig withWire(Wire newWire) {
    return new ExchangeConfig(timeoutSeconds, port, ports, host, newWire, chunkBytes, smallBytes);
  }

  /** The same with another range of ports. */
  public ExchangeConfig withPorts(int first, int count) {
    return new ExchangeConfig(timeoutSeconds, first, count, host, wire, chunkBytes, smallBytes);
  }
}

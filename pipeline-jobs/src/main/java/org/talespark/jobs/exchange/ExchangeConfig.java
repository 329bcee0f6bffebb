package org.talespark.jobs.exchange;

/**
 * Settings of an exchange.
 *
 * @param timeoutSeconds how long a wait lasts while nothing moves, in seconds; also the limit for
 *     connecting
 * @param chunkBytes the unit in which large arrays travel and are summed, in bytes, a multiple of 8
 * @param smallBytes arrays below this size, in bytes, are sent whole to every worker instead of
 *     round the ring
 * @param port the port to listen on, 0 for any free one; when it is taken, the next ones are tried,
 *     one for each worker
 */
public record ExchangeConfig(int timeoutSeconds, int chunkBytes, int smallBytes, int port) {
  /** The largest message of {@link Exchange#allGather}, in bytes. */
  public static final int MAX_GATHER_BYTES = 16 << 20;

  private static final int MIN_CHUNK_BYTES = 64;
  private static final int MAX_CHUNK_BYTES = 16 << 20;
  private static final int MAX_PORT = 65_535;

  /** Checks every setting. */
  public ExchangeConfig {
    check("timeout_seconds", timeoutSeconds, timeoutSeconds >= 1, "at least 1");
    check(
        "chunk_bytes",
        chunkBytes,
        chunkBytes >= MIN_CHUNK_BYTES
            && chunkBytes <= MAX_CHUNK_BYTES
            && chunkBytes % Double.BYTES == 0,
        "a multiple of 8 from " + MIN_CHUNK_BYTES + " to " + MAX_CHUNK_BYTES);
    check(
        "small_bytes",
        smallBytes,
        smallBytes >= 0 && smallBytes <= MAX_GATHER_BYTES,
        "0 to " + MAX_GATHER_BYTES);
    check("port", port, port >= 0 && port <= MAX_PORT, "0 to " + MAX_PORT);
  }

  /** 120 seconds, chunks of 512 KiB, small below 64 KiB, any free port. */
  public static ExchangeConfig defaults() {
    return new ExchangeConfig(120, 512 << 10, 64 << 10, 0);
  }

  /** The same with another limit for waits. */
  public ExchangeConfig withTimeoutSeconds(int seconds) {
    return new ExchangeConfig(seconds, chunkBytes, smallBytes, port);
  }

  /** The same with another unit and another border between small and large arrays. */
  public ExchangeConfig withSizes(int newChunkBytes, int newSmallBytes) {
    return new ExchangeConfig(timeoutSeconds, newChunkBytes, newSmallBytes, port);
  }

  private static void check(String key, int value, boolean good, String rule) {
    if (!good) {
      throw new IllegalArgumentException(
          "Cannot use exchange setting: exchange.%s=%d, expected %s".formatted(key, value, rule));
    }
  }
}

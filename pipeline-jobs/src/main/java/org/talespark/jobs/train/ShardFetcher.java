package org.talespark.jobs.train;

import java.io.BufferedOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ChecksumException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Shard;

/** Brings whole, verified shards into a directory; asks a file system that fails again. */
final class ShardFetcher {
  private static final Logger LOG = LoggerFactory.getLogger(ShardFetcher.class);
  private static final int ATTEMPTS = 3;
  private static final long PAUSE_MILLIS = 500;
  private static final int BUFFER = 1 << 18;

  private final Path directory;
  private final BooleanSupplier closed;
  private final AtomicInteger fetched = new AtomicInteger();

  /**
   * A fetcher.
   *
   * @param directory that nobody else writes to
   * @param closed whether failures are no longer worth another attempt
   */
  ShardFetcher(Path directory, BooleanSupplier closed) {
    this.directory = directory;
    this.closed = closed;
  }

  /** Attempts so far to read a shard. */
  int fetched() {
    return fetched.get();
  }

  /**
   * Fetches a shard.
   *
   * @throws BadInputException when it is missing, or not what the manifest says
   * @throws UncheckedIOException when a file system fails again and again
   */
  CachedShard fetch(Shard shard, Configuration hadoop) throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try {
        return copy(shard, hadoop);
      } catch (ChecksumException e) {
        throw new BadInputException(
            "Cannot trust shard: shard=%s differs from its file system's checksum, expected sha256=%s; try preparing the dataset again"
                .formatted(shard.uri(), shard.sha256()),
            e);
      } catch (IOException e) {
        if (closed.getAsBoolean()) {
          throw new IllegalStateException("Cannot cache shard: the cache was closed", e);
        }
        if (attempt == ATTEMPTS) {
          throw new UncheckedIOException(
              "Cannot cache shard: shard=%s directory=%s attempts=%d; try again, or another data.cache.directory"
                  .formatted(shard.uri(), directory, attempt),
              e);
        }
        LOG.warn("Reading {} again: {}", shard.uri(), e.toString());
        Thread.sleep(attempt * PAUSE_MILLIS);
      }
    }
  }

  private static InputStream open(Shard shard, Configuration hadoop) throws IOException {
    org.apache.hadoop.fs.Path source = new org.apache.hadoop.fs.Path(shard.uri());
    try {
      return source.getFileSystem(hadoop).open(source);
    } catch (FileNotFoundException e) {
      throw new BadInputException(
          "Cannot read shard: shard=%s does not exist, expected what the manifest lists; try preparing the dataset again"
              .formatted(shard.uri()),
          e);
    }
  }

  private CachedShard copy(Shard shard, Configuration hadoop) throws IOException {
    Path file = directory.resolve("%06d.tar".formatted(fetched.incrementAndGet()));
    boolean whole = false;
    try {
      List<ShardIndex.Entry> entries;
      try (InputStream in = open(shard, hadoop);
          OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), BUFFER)) {
        entries = ShardIndex.copy(shard, in, out);
      }
      CachedShard copy = new CachedShard(shard, file, entries);
      whole = true;
      return copy;
    } finally {
      if (!whole) {
        Files.deleteIfExists(file);
      }
    }
  }
}

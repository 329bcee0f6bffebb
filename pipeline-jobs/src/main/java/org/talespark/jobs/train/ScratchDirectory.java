package org.talespark.jobs.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory of this process alone, deleted when it is closed. A lock beside it tells the living
 * from the dead: what a killed process left is deleted by the next one that comes to the same
 * place.
 */
final class ScratchDirectory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ScratchDirectory.class);
  private static final String PREFIX = "talespark-shards-";
  private static final String LOCK = ".lock";
  private static final int TRIES = 10;

  private final Path path;
  private final Path lockFile;
  private final FileChannel lock;

  private ScratchDirectory(Path path, Path lockFile, FileChannel lock) {
    this.path = path;
    this.lockFile = lockFile;
    this.lock = lock;
  }

  /** Makes a directory below {@code parent}, which is made too when it is missing. */
  static ScratchDirectory below(Path parent) {
    try {
      Files.createDirectories(parent);
      sweep(parent);
      for (int i = 0; i < TRIES; i++) {
        String name = PREFIX + UUID.randomUUID();
        Path lockFile = parent.resolve(name + LOCK);
        FileChannel lock = lock(lockFile);
        if (lock != null) {
          return new ScratchDirectory(create(parent.resolve(name)), lockFile, lock);
        }
      }
      throw new IOException("another process sweeps it");
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot cache shards: directory=%s, expected a writable directory; try another data.cache.directory"
              .formatted(parent),
          e);
    }
  }

  /** For the owner's eyes only, where the file system knows owners. */
  private static Path create(Path path) throws IOException {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? Files.createDirectory(
            path,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")))
        : Files.createDirectory(path);
  }

  Path path() {
    return path;
  }

  /** The lock, or null when another process, or another part of this one, holds it. */
  private static FileChannel lock(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock held = null;
    try {
      held = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // held by this process
    } finally {
      if (held == null) {
        channel.close();
      }
    }
    return held == null ? null : channel;
  }

  /** Deletes what dead processes left. */
  private static void sweep(Path parent) throws IOException {
    List<Path> locks = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(parent, PREFIX + "*" + LOCK)) {
      found.forEach(locks::add);
    }
    for (Path file : locks) {
      try (FileChannel dead = lock(file)) {
        if (dead != null) {
          String name = file.getFileName().toString();
          delete(parent.resolve(name.substring(0, name.length() - LOCK.length())));
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(directory);
  }

  /** Deletes the directory; what cannot be deleted now is left to the next process. */
  @Override
  public void close() {
    try (lock) {
      delete(path);
      Files.deleteIfExists(lockFile);
    } catch (IOException e) {
      LOG.warn("Cached shards are left in {}: {}", path, e.toString());
    }
  }
}

package org.talespark.jobs.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * The files behind a {@link RunLock}: {@code run.lock}, and beside it for a moment {@code
 * run.lock.OWNER}, the claim of a run that wants it.
 *
 * <p>Ages are differences of times that the file system gave, so that clocks of machines do not
 * matter.
 *
 * @param limit how old a file may be that still counts
 */
record LockFiles(Storage storage, Path directory, Duration limit) {
  private static final String LOCK = "run.lock";

  /**
   * A file of somebody else's.
   *
   * @param lease who wrote it; empty when it is being written, or cut short
   * @param counts whether it keeps others away
   */
  record Other(Path file, Optional<Lease> lease, boolean counts) {
    boolean isLock() {
      return file.getName().equals(LOCK);
    }

    String description() {
      return lease.map(Lease::description).orElse("a run that started just now");
    }
  }

  Path lock() {
    return new Path(directory, LOCK);
  }

  Path claim(String owner) {
    return new Path(directory, LOCK + "." + owner);
  }

  void write(Path file, Lease lease) throws IOException {
    storage.write(file, Storage.JSON.writeValueAsBytes(lease));
  }

  /** Empty when there is no such file, or when it is not whole. */
  Optional<Lease> read(Path file) throws IOException {
    Optional<byte[]> bytes = storage.read(file);
    try {
      return bytes.isEmpty()
          ? Optional.empty()
          : Optional.of(Storage.JSON.readValue(bytes.get(), Lease.class));
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }

  /** Lock and claims of others, as they are now; the own claim must be there. */
  List<Other> others(String owner) throws IOException {
    long now = storage.status(claim(owner)).getModificationTime();
    List<Other> others = new ArrayList<>();
    for (FileStatus status : storage.list(directory)) {
      String name = status.getPath().getName();
      boolean ours = name.equals(LOCK) || name.startsWith(LOCK + ".");
      if (ours && !name.equals(claim(owner).getName())) {
        others.add(other(new Path(directory, name), now));
      }
    }
    return others;
  }

  private Other other(Path file, long now) throws IOException {
    try {
      Optional<Lease> lease = read(file);
      long age = now - storage.status(file).getModificationTime();
      boolean gone = lease.isPresent() && lease.get().isGone();
      return new Other(file, lease, age <= limit.toMillis() && !gone);
    } catch (FileNotFoundException e) {
      // gone since it was listed: its run may have withdrawn, or hold the lock by now
      return new Other(file, Optional.empty(), true);
    }
  }

  /** Deletes the lock if it is this owner's, or torn by a write that failed. */
  void release(String owner) throws IOException {
    Optional<Lease> found = read(lock());
    if (found.isEmpty() || found.get().owner().equals(owner)) {
      storage.delete(lock(), false);
    }
  }
}

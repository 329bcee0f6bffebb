package org.talespark.jobs.checkpoint;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.Syncable;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * What an object store is: keys and values. A value is there as a whole when its stream is closed
 * and not before; nothing can be renamed, appended to or synced; a directory is there as long as a
 * key is in it; "create unless there" looks first and stores later, so that two may succeed.
 */
final class ObjectStore extends FileSystem {
  @SuppressWarnings("ArrayRecordComponent")
  private record Value(byte[] bytes, long time) {}

  private final TreeMap<String, Value> values = new TreeMap<>();

  ObjectStore() {
    setConf(new org.apache.hadoop.conf.Configuration(false));
    statistics = new Statistics("object");
  }

  @Override
  public URI getUri() {
    return URI.create("object:///");
  }

  private static String key(Path path) {
    return path.toUri().getPath();
  }

  /** Every key below a path. */
  synchronized List<String> keys(Path below) {
    return values.keySet().stream().filter(key -> key.startsWith(key(below) + "/")).toList();
  }

  synchronized void put(Path path, byte[] bytes) {
    values.put(key(path), new Value(bytes, System.currentTimeMillis()));
  }

  @Override
  public synchronized FSDataInputStream open(Path path, int buffer) throws IOException {
    Value value = values.get(key(path));
    if (value == null) {
      throw new FileNotFoundException(path.toString());
    }
    return new FSDataInputStream(new In(value.bytes()));
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int buffer,
      short replication,
      long block,
      Progressable progress)
      throws IOException {
    if (!overwrite && exists(path)) {
      throw new FileAlreadyExistsException(path.toString());
    }
    return new FSDataOutputStream(new Out(path), statistics);
  }

  @Override
  public FSDataOutputStream append(Path path, int buffer, Progressable progress) {
    throw new UnsupportedOperationException("append");
  }

  @Override
  public boolean rename(Path from, Path to) {
    throw new UnsupportedOperationException("rename");
  }

  @Override
  public synchronized boolean delete(Path path, boolean recursive) throws IOException {
    List<String> below = keys(path);
    if (!below.isEmpty() && !recursive) {
      throw new IOException("Directory is not empty: " + path);
    }
    values.keySet().removeAll(below);
    return values.remove(key(path)) != null || !below.isEmpty();
  }

  @Override
  public synchronized FileStatus[] listStatus(Path path) throws IOException {
    List<FileStatus> found = new ArrayList<>();
    String prefix = key(path) + "/";
    TreeSet<String> names = new TreeSet<>();
    keys(path).forEach(key -> names.add(key.substring(prefix.length()).split("/", 2)[0]));
    if (names.isEmpty()) {
      throw new FileNotFoundException(path.toString());
    }
    for (String name : names) {
      found.add(getFileStatus(new Path(path, name)));
    }
    return found.toArray(FileStatus[]::new);
  }

  @Override
  public synchronized FileStatus getFileStatus(Path path) throws IOException {
    Value value = values.get(key(path));
    if (value != null) {
      return new FileStatus(value.bytes().length, false, 1, 1, value.time(), makeQualified(path));
    }
    if (keys(path).isEmpty()) {
      throw new FileNotFoundException(path.toString());
    }
    return new FileStatus(0, true, 1, 1, 0, makeQualified(path));
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) {
    return true;
  }

  @Override
  public void setWorkingDirectory(Path directory) {}

  @Override
  public Path getWorkingDirectory() {
    return new Path("object:///");
  }

  synchronized Map<String, Integer> lengths() {
    Map<String, Integer> lengths = new TreeMap<>();
    values.forEach((key, value) -> lengths.put(key, value.bytes().length));
    return lengths;
  }

  private final class Out extends OutputStream implements Syncable {
    private final Path path;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Out(Path path) {
      this.path = path;
    }

    @Override
    public void write(int value) {
      bytes.write(value);
    }

    @Override
    public void write(byte[] some, int offset, int length) {
      bytes.write(some, offset, length);
    }

    @Override
    public void hflush() {
      throw new UnsupportedOperationException("hflush");
    }

    @Override
    public void hsync() {
      throw new UnsupportedOperationException("hsync");
    }

    @Override
    public void close() {
      put(path, bytes.toByteArray());
    }
  }

  private static final class In extends FSInputStream {
    private final byte[] bytes;
    private int position;

    In(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return position < bytes.length ? bytes[position++] & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      int read =
          new ByteArrayInputStream(bytes, position, bytes.length - position)
              .read(target, offset, length);
      position += Math.max(0, read);
      return read;
    }

    @Override
    public void seek(long to) throws EOFException {
      if (to > bytes.length) {
        throw new EOFException("position=" + to);
      }
      position = (int) to;
    }

    @Override
    public long getPos() {
      return position;
    }

    @Override
    public boolean seekToNewSource(long target) {
      return false;
    }
  }
}

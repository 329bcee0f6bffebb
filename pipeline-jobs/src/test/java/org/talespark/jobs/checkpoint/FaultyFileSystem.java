package org.talespark.jobs.checkpoint;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FilterFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PositionedReadable;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.Seekable;
import org.apache.hadoop.fs.Syncable;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * A file system that counts its calls and lets one of them fail, or all from one on. Reached by
 * scheme ({@code fs.faulty.impl}) it is the local disk, and full while the file that {@link #FULL}
 * names is there.
 */
public final class FaultyFileSystem extends FilterFileSystem {
  /** The local file whose presence makes the disk full, for every process. */
  public static final String FULL = "talespark.test.full";

  /** How a call fails. */
  enum Fault {
    /** Once, before anything happened. */
    ONCE(true),
    /** Once, after it happened: the answer was lost. */
    ANSWER_LOST(true),
    /** Once, a write having stored half of its bytes. */
    SHORT_WRITE(true),
    /** This and every later call: the file system is gone. */
    FOR_GOOD(false),
    /** This and every later call that needs space. */
    FULL_DISK(false);

    private final boolean passing;

    Fault(boolean passing) {
      this.passing = passing;
    }

    boolean passing() {
      return passing;
    }
  }

  private interface Call<T> {
    T run() throws IOException;
  }

  private final Fault fault;
  private final int at;
  private int calls;
  private String failed = "nothing";
  private String full;

  /** By scheme: the local disk under another name. */
  public FaultyFileSystem() {
    super(new LocalDisk());
    this.fault = Fault.FULL_DISK;
    this.at = Integer.MAX_VALUE;
  }

  /** Lets call number {@code at}, from 1, fail. */
  FaultyFileSystem(FileSystem fs, Fault fault, int at) {
    super(fs);
    this.fault = fault;
    this.at = at;
  }

  @Override
  public void initialize(URI name, org.apache.hadoop.conf.Configuration conf) throws IOException {
    super.initialize(name, conf);
    full = conf.get(FULL);
  }

  @Override
  public String getScheme() {
    return "faulty";
  }

  /** Calls so far. */
  synchronized int calls() {
    return calls;
  }

  /** Whether the fault has come. */
  synchronized boolean reached() {
    return calls >= at;
  }

  /** The call that failed, for messages. */
  synchronized String failed() {
    return failed;
  }

  private synchronized boolean fails(String what, boolean needsSpace) {
    calls++;
    boolean fails =
        switch (fault) {
          case ONCE, ANSWER_LOST, SHORT_WRITE -> calls == at;
          case FOR_GOOD -> calls >= at;
          case FULL_DISK -> calls >= at && needsSpace;
        };
    if (calls == at) {
      failed = "call %d, %s, %s".formatted(calls, what, fault);
    }
    return fails || (needsSpace && full != null && new File(full).exists());
  }

  private IOException failure() {
    return new IOException(
        fault == Fault.FULL_DISK ? "No space left on device" : "Input/output error");
  }

  private <T> T call(String what, boolean needsSpace, Call<T> call) throws IOException {
    if (!fails(what, needsSpace)) {
      return call.run();
    }
    if (fault == Fault.ANSWER_LOST) {
      call.run();
    }
    throw failure();
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
    return call(
        "create " + path.getName(),
        true,
        () -> {
          // without a permission, for which Hadoop's local disk would start a process
          FSDataOutputStream out = fs.create(path, overwrite, buffer, replication, block, progress);
          return new FSDataOutputStream(new Out(out, path.getName()), null);
        });
  }

  @Override
  public FSDataInputStream open(Path path, int buffer) throws IOException {
    return call(
        "open " + path.getName(),
        false,
        () -> new FSDataInputStream(new In(super.open(path, buffer), path.getName())));
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    return call("delete " + path.getName(), false, () -> super.delete(path, recursive));
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    return call("status " + path.getName(), false, () -> super.getFileStatus(path));
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    return call("list " + path.getName(), false, () -> super.listStatus(path));
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    return call("mkdirs " + path.getName(), true, () -> super.mkdirs(path, permission));
  }

  @Override
  public boolean mkdirs(Path path) throws IOException {
    return call("mkdirs " + path.getName(), true, () -> super.mkdirs(path));
  }

  @Override
  public boolean rename(Path from, Path to) {
    throw new UnsupportedOperationException("rename");
  }

  @Override
  public FSDataOutputStream append(Path path, int buffer, Progressable progress) {
    throw new UnsupportedOperationException("append");
  }

  private final class Out extends OutputStream implements Syncable {
    private final FSDataOutputStream out;
    private final String name;

    Out(FSDataOutputStream out, String name) {
      this.out = out;
      this.name = name;
    }

    @Override
    public void write(int value) throws IOException {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (!fails("write " + name, true)) {
        out.write(bytes, offset, length);
        return;
      }
      switch (fault) {
        case ONCE, FOR_GOOD -> {}
        case ANSWER_LOST -> out.write(bytes, offset, length);
        case SHORT_WRITE, FULL_DISK -> out.write(bytes, offset, length / 2);
      }
      throw failure();
    }

    @Override
    public void flush() throws IOException {
      out.flush();
    }

    @Override
    public void hflush() throws IOException {
      hsync();
    }

    @Override
    public void hsync() throws IOException {
      call(
          "sync " + name,
          true,
          () -> {
            out.flush(); // the disk's own syncing would only make thousands of calls slow
            return name;
          });
    }

    @Override
    public void close() throws IOException {
      boolean fails = fails("close " + name, true);
      out.close();
      if (fails) {
        throw failure();
      }
    }
  }

  private final class In extends InputStream implements Seekable, PositionedReadable {
    private final FSDataInputStream in;
    private final String name;

    In(FSDataInputStream in, String name) {
      this.in = in;
      this.name = name;
    }

    @Override
    public int read() throws IOException {
      return call("read " + name, false, in::read);
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      return call("read " + name, false, () -> in.read(bytes, offset, length));
    }

    @Override
    public int read(long position, byte[] bytes, int offset, int length) throws IOException {
      return in.read(position, bytes, offset, length);
    }

    @Override
    public void readFully(long position, byte[] bytes, int offset, int length) throws IOException {
      in.readFully(position, bytes, offset, length);
    }

    @Override
    public void readFully(long position, byte[] bytes) throws IOException {
      in.readFully(position, bytes);
    }

    @Override
    public void seek(long position) throws IOException {
      in.seek(position);
    }

    @Override
    public long getPos() throws IOException {
      return in.getPos();
    }

    @Override
    public boolean seekToNewSource(long target) throws IOException {
      return in.seekToNewSource(target);
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  /** The local disk by the name of {@code faulty:}. */
  private static final class LocalDisk extends RawLocalFileSystem {
    @Override
    public URI getUri() {
      return URI.create("faulty:///");
    }

    @Override
    public String getScheme() {
      return "faulty";
    }
  }
}

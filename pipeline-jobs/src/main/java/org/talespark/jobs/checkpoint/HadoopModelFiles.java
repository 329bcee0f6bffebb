package org.talespark.jobs.checkpoint;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.zoo.io.ModelFiles;

/** A model's directory on any Hadoop file system. */
public final class HadoopModelFiles implements ModelFiles {
  private final Storage storage;
  private final Path directory;

  /** Names a directory; nothing is read yet. */
  public HadoopModelFiles(FileSystem fs, Path directory) {
    this.storage = new Storage(fs);
    this.directory = fs.makeQualified(directory);
  }

  @Override
  public boolean has(String name) throws IOException {
    Path file = new Path(directory, name);
    return storage.exists(file) && storage.status(file).isFile();
  }

  @Override
  public SeekableByteChannel open(String name) throws IOException {
    Path file = new Path(directory, name);
    FileStatus status = storage.status(file);
    return new HadoopChannel(storage, file, status.getLen());
  }

  @Override
  public OutputStream create(String name) throws IOException {
    return storage.create(new Path(directory, name));
  }

  /** The hash of a file, in lower-case hexadecimal; reads it. */
  public String sha256(String name) throws IOException {
    return storage.sha256(new Path(directory, name));
  }

  /** The directory, qualified. */
  @Override
  public String toString() {
    return directory.toString();
  }
}

package org.talespark.data.prepare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;

/** Writing to Hadoop file systems, without checksum files beside the data on local ones. */
public final class Storage {

  private Storage() {}

  static FileSystem of(Path path, Configuration hadoop) throws IOException {
    FileSystem fs = path.getFileSystem(hadoop);
    return fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
  }

  /** Moves a finished file into place; when an equal attempt was faster, its file stays. */
  static void publish(FileSystem fs, Path from, Path to) throws IOException {
    fs.mkdirs(to.getParent());
    if (fs.exists(to)) {
      fs.delete(from, false);
    } else if (!fs.rename(from, to)) {
      if (!fs.exists(to)) {
        throw new IOException("Cannot move file: from=%s to=%s".formatted(from, to));
      }
      fs.delete(from, false);
    }
  }

  /**
   * Replaces a file at once: readers see the old bytes or the new ones. File systems with an atomic
   * rename get a temporary file and a rename; object stores replace on close.
   */
  public static void replace(Path to, byte[] bytes, Configuration hadoop) throws IOException {
    FileSystem fs = of(to, hadoop);
    String scheme = fs.getUri().getScheme();
    if (scheme.equals("file")) {
      java.nio.file.Path target = java.nio.file.Path.of(to.toUri().getPath());
      java.nio.file.Path temporary = target.resolveSibling("." + target.getFileName() + ".new");
      Files.write(temporary, bytes);
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } else if (scheme.equals("hdfs") || scheme.equals("viewfs")) {
      Path temporary = new Path(to.getParent(), "." + to.getName() + ".new");
      write(fs, temporary, bytes);
      FileContext.getFileContext(to.toUri(), hadoop)
          .rename(temporary, to, Options.Rename.OVERWRITE);
    } else {
      write(fs, to, bytes);
    }
  }

  private static void write(FileSystem fs, Path to, byte[] bytes) throws IOException {
    try (FSDataOutputStream out = fs.create(to, true)) {
      out.write(bytes);
    }
  }
}

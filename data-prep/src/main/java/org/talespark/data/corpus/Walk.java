package org.talespark.data.corpus;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * All files below a folder. Names that begin with a dot or an underscore are hidden, as everywhere
 * in Hadoop. On local disks, links (also those to nothing) and devices are marked as unsafe instead
 * of followed.
 */
final class Walk {

  private final boolean local;
  private final List<FoundFile> found = new ArrayList<>();

  private Walk(FileSystem fs) {
    this.local = fs.getUri().getScheme().equals("file");
  }

  /**
   * Finds the files in the order of their relative paths.
   *
   * @param root a folder, qualified
   * @param prefix put before the relative paths; empty or ending in a slash
   */
  static List<FoundFile> files(FileSystem fs, Path root, String prefix) throws IOException {
    Walk walk = new Walk(fs);
    Deque<Path> folders = new ArrayDeque<>(List.of(root));
    while (!folders.isEmpty()) {
      Path folder = folders.pop();
      String relative = prefix + relative(root, folder);
      Set<String> listed = new HashSet<>();
      for (FileStatus file : fs.listStatus(folder)) {
        String name = file.getPath().getName();
        listed.add(name);
        if (hidden(name)) {
          continue;
        }
        boolean unsafe = walk.unsafe(file);
        if (file.isDirectory() && !unsafe) {
          folders.push(file.getPath());
        } else {
          walk.found.add(found(file, relative + name, unsafe));
        }
      }
      if (walk.local) {
        walk.addLinksToNothing(folder, relative, listed);
      }
    }
    walk.found.sort(Comparator.comparing(FoundFile::relative));
    return walk.found;
  }

  private static boolean hidden(String name) {
    return name.startsWith(".") || name.startsWith("_");
  }

  /**
   * Hadoop passes over links to nothing, which would leave them uncounted. One without an extension
   * is taken for a folder's.
   */
  private void addLinksToNothing(Path folder, String relative, Set<String> listed)
      throws IOException {
    try (DirectoryStream<java.nio.file.Path> files =
        Files.newDirectoryStream(java.nio.file.Path.of(folder.toUri().getPath()))) {
      for (java.nio.file.Path file : files) {
        String name = file.getFileName().toString();
        if (!hidden(name) && !listed.contains(name) && Files.isSymbolicLink(file)) {
          long modified = Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toMillis();
          String uri = new Path(folder, new Path(null, null, name)).toString();
          boolean ofFolder = name.lastIndexOf('.') <= 0;
          found.add(new FoundFile(uri, relative + name, 0, modified, true, ofFolder));
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  static FoundFile found(FileStatus file, String relative, boolean unsafe) {
    return new FoundFile(
        file.getPath().toString(),
        relative,
        file.getLen(),
        file.getModificationTime(),
        unsafe,
        file.isDirectory());
  }

  private static String relative(Path root, Path folder) {
    String relative = folder.toUri().getPath().substring(root.toUri().getPath().length());
    String plain = relative.startsWith("/") ? relative.substring(1) : relative;
    return plain.isEmpty() ? "" : plain + "/";
  }

  /** Links could lead out of the input, and devices could block for ever. */
  private boolean unsafe(FileStatus file) {
    if (file.isSymlink()) {
      return true;
    }
    if (!local) {
      return false;
    }
    try {
      java.nio.file.Path path = java.nio.file.Path.of(file.getPath().toUri().getPath());
      return Files.isSymbolicLink(path) || !(Files.isRegularFile(path) || Files.isDirectory(path));
    } catch (InvalidPathException e) {
      return true; // a name that this machine's character set cannot write
    }
  }
}

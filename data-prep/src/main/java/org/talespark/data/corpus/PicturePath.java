package org.talespark.data.corpus;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.talespark.data.Reason;

/**
 * Pictures that a manifest names by path: absolute, a URI of any Hadoop file system, or relative to
 * the manifest's folder. Relative paths stay in that folder: neither {@code ..} nor a link leads
 * out of it. Links and devices themselves are refused wherever they are.
 */
final class PicturePath {

  private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]+):/.*");

  private final Path folder;
  private final FileSystem fs;
  private final long most;
  private final Configuration hadoop;

  /** A picture that may be read, or the reason why not. */
  record Found(Blob picture, Reason refused) {}

  PicturePath(FoundFile manifest, ReadLimits limits, Configuration hadoop) throws IOException {
    this.folder = new Path(manifest.uri()).getParent();
    this.fs = folder.getFileSystem(hadoop);
    this.most = limits.maxFileBytes();
    this.hadoop = hadoop;
  }

  /** The name that a sample gets from its picture's path: without scheme and extension. */
  static String name(String path) {
    Matcher scheme = SCHEME.matcher(path);
    String plain = scheme.matches() ? path.substring(scheme.end(1) + 1) : path;
    String inside = normal(plain);
    String name = inside == null ? plain : inside;
    int dot = name.lastIndexOf('.');
    return dot > name.lastIndexOf('/') + 1 ? name.substring(0, dot) : name;
  }

  /**
   * Looks a picture up.
   *
   * @throws IOException when the storage fails
   */
  Found find(String path) throws IOException {
    Matcher scheme = SCHEME.matcher(path);
    boolean absolute = scheme.matches() || path.startsWith("/");
    String normal = normal(path);
    if (normal == null || (absolute && ("/" + path + "/").contains("/../"))) {
      return new Found(null, Reason.UNSAFE_PATH);
    }
    if (normal.isEmpty() || path.indexOf('\0') >= 0) {
      return new Found(null, Reason.PICTURE_MISSING);
    }
    try {
      if (scheme.matches()) {
        return scheme.group(1).startsWith("http")
            ? new Found(null, Reason.PICTURE_MISSING)
            : look(new Path(path), new Path(path).getFileSystem(hadoop), false);
      }
      // the path as it is, whatever colons or percent signs it has
      Path plain = new Path(null, null, absolute ? path : normal);
      return look(absolute ? fs.makeQualified(plain) : new Path(folder, plain), fs, !absolute);
    } catch (IllegalArgumentException | UnsupportedFileSystemException e) {
      return new Found(null, Reason.PICTURE_MISSING);
    }
  }

  private Found look(Path path, FileSystem of, boolean inside) throws IOException {
    boolean local = of.getUri().getScheme().equals("file");
    if (local && !regular(path, inside)) {
      return new Found(null, Reason.UNSAFE_PATH);
    }
    FileStatus status;
    try {
      status = local ? of.getFileStatus(path) : of.getFileLinkStatus(path);
    } catch (FileNotFoundException e) {
      return new Found(null, Reason.PICTURE_MISSING);
    }
    if (status.isSymlink()) {
      return new Found(null, Reason.UNSAFE_PATH);
    }
    if (status.isDirectory()) {
      return new Found(null, Reason.PICTURE_MISSING);
    }
    String uri = status.getPath().toString();
    return new Found(new FileBlob(uri, 0, status.getLen(), most, hadoop), null);
  }

  /** Whether a local path is no link or device and, where that is asked, inside the folder. */
  private boolean regular(Path path, boolean inside) throws IOException {
    java.nio.file.Path file = java.nio.file.Path.of(path.toUri().getPath());
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return true; // found missing next
    }
    if (Files.isSymbolicLink(file) || !(Files.isRegularFile(file) || Files.isDirectory(file))) {
      return false;
    }
    return !inside
        || file.toRealPath()
            .startsWith(java.nio.file.Path.of(folder.toUri().getPath()).toRealPath());
  }

  /** Without empty, {@code .} and {@code ..} parts; null when it leads out. */
  private static String normal(String path) {
    Deque<String> parts = new ArrayDeque<>();
    int from = 0;
    while (from <= path.length()) {
      int slash = path.indexOf('/', from);
      int to = slash < 0 ? path.length() : slash;
      String part = path.substring(from, to);
      if (part.equals("..")) {
        if (parts.pollLast() == null) {
          return null;
        }
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.addLast(part);
      }
      from = to + 1;
    }
    return String.join("/", parts);
  }
}

package org.talespark.data.corpus;

import java.io.Serializable;
import java.util.Locale;
import org.apache.hadoop.fs.Path;

/**
 * A file of a listing.
 *
 * @param relative its path below the input, after the input's prefix when there are several inputs
 * @param unsafe whether it is a link or a device
 * @param folder whether it is a (linked) folder
 */
record FoundFile(
    String uri, String relative, long bytes, long modified, boolean unsafe, boolean folder)
    implements Serializable {

  String name() {
    return relative.substring(relative.lastIndexOf('/') + 1);
  }

  /** The relative path without the last extension. */
  String stem() {
    int dot = name().lastIndexOf('.');
    return dot > 0 ? relative.substring(0, relative.length() - name().length() + dot) : relative;
  }

  /** The last extension in lower case, or nothing. */
  String extension() {
    int dot = name().lastIndexOf('.');
    return dot > 0 ? name().substring(dot + 1).toLowerCase(Locale.ROOT) : "";
  }

  /** Local files by their plain path, others by their URI. */
  String source() {
    Path path = new Path(uri);
    return "file".equals(path.toUri().getScheme()) ? path.toUri().getPath() : path.toString();
  }
}

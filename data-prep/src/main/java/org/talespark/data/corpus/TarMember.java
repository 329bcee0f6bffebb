package org.talespark.data.corpus;

import java.util.Locale;
import org.talespark.data.Reason;

/**
 * A member of a tar, its content not yet read.
 *
 * @param name as written, without a leading {@code ./}
 * @param bytes stored length
 * @param offset where its content begins
 * @param refused why it cannot be used: links, devices and names that lead out of the tar, or null
 */
record TarMember(String name, long bytes, long offset, Reason refused) {

  /** Where the base name begins. */
  private int base() {
    return name.lastIndexOf('/') + 1;
  }

  /** The path up to the first dot of the base name. */
  String key() {
    int dot = name.indexOf('.', base());
    return dot < 0 ? name : name.substring(0, dot);
  }

  /** What follows the first dot of the base name, in lower case. */
  String extension() {
    int dot = name.indexOf('.', base());
    return dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
  }

  /** Whether it is no part of a sample: hidden, without a key, or metadata of the tar. */
  boolean ignored() {
    String key = key();
    return name.startsWith(".")
        || name.contains("/.")
        || key.length() == base()
        || extension().isEmpty()
        || (base() == 0 && key.startsWith("__") && key.endsWith("__"));
  }

  /** Whether a name is absolute, leads upwards or cannot be a path. */
  static boolean leadsOut(String name) {
    return name.startsWith("/")
        || name.indexOf('\0') >= 0
        || ("\\" + name + "\\").contains("\\..\\")
        || ("/" + name + "/").contains("/../");
  }
}

package org.talespark.jobs.config;

import com.fasterxml.jackson.databind.JsonMappingException;
import java.util.List;

/** Dotted paths of configuration keys, such as {@code train.optimizer.beta1}. */
final class KeyPath {

  private KeyPath() {}

  /** {@code parent.name}, or {@code name} at the root. */
  static String child(String parent, String name) {
    return parent.isEmpty() ? name : parent + "." + name;
  }

  /** The path without its last key; empty for a key at the root. */
  static String parent(String path) {
    int dot = path.lastIndexOf('.');
    return dot < 0 ? "" : path.substring(0, dot);
  }

  /** The last key of a path. */
  static String name(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** The path that a binding failure carries. */
  static String of(List<JsonMappingException.Reference> references) {
    StringBuilder path = new StringBuilder();
    for (JsonMappingException.Reference reference : references) {
      if (reference.getFieldName() == null) {
        path.append('[').append(reference.getIndex()).append(']');
      } else {
        path.append(path.isEmpty() ? "" : ".").append(reference.getFieldName());
      }
    }
    return path.toString();
  }
}

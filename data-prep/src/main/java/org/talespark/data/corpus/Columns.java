package org.talespark.data.corpus;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The usual names of columns; case does not matter, the first of a list that is there counts. */
final class Columns {

  /** Columns that name a picture by its path. */
  static final List<String> PATHS =
      List.of(
          "image",
          "image_path",
          "path",
          "file_name",
          "filename",
          "filepath",
          "file",
          "picture",
          "jpg",
          "png");

  /** Columns of Parquet, which may also hold a picture's bytes. */
  static final List<String> PICTURES =
      Stream.concat(Stream.of("image", "jpg", "png", "bytes", "image_bytes"), PATHS.stream())
          .distinct()
          .toList();

  static final List<String> CAPTIONS = List.of("caption", "captions", "text", "txt");
  static final List<String> KEYS = List.of("__key__", "key");

  private Columns() {}

  /** The column of the first of the usual names, or null. */
  static String find(List<String> usual, Collection<String> columns) {
    for (String name : usual) {
      for (String column : columns) {
        if (column.toLowerCase(Locale.ROOT).equals(name)) {
          return column;
        }
      }
    }
    return null;
  }

  /** What to say when there is none. */
  static String missing(
      String what, String source, Collection<String> columns, List<String> usual) {
    return "Cannot read input: file=%s has no column of %s among %s, expected one of %s; try renaming it"
        .formatted(
            source,
            what,
            columns.stream().limit(30).collect(Collectors.joining(", ", "[", "]")),
            String.join(", ", usual));
  }
}

package org.talespark.data.corpus;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Kinds of input. */
public enum Format {
  /** Recognised by what is found. */
  AUTO,
  /** Pictures with {@code .txt} or {@code .json} beside them, at any depth. */
  FOLDER,
  /** Tars of samples whose members share a name up to its first dot. */
  WEBDATASET,
  /** Rows with a picture's bytes or path. */
  PARQUET,
  /** One JSON object a line, with a picture's path. */
  JSONL,
  /** Comma- or (in {@code .tsv}) tab-separated rows under a header, with a picture's path. */
  CSV;

  /** The name in configuration: lower case. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The format of that {@link #id()}.
   *
   * @throws IllegalArgumentException when there is none
   */
  public static Format of(String id) {
    for (Format format : values()) {
      if (format.id().equals(id)) {
        return format;
      }
    }
    throw new IllegalArgumentException(
        "Cannot read inputs: format=%s, expected one of %s; try auto"
            .formatted(
                id, Arrays.stream(values()).map(Format::id).collect(Collectors.joining(", "))));
  }
}

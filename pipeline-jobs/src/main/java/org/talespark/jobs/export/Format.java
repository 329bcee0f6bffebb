package org.talespark.jobs.export;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.talespark.zoo.io.Nearest;

/** The layout of a library. */
enum Format {
  /** Hugging Face's transformers: a directory with {@code config.json} and one set of weights. */
  HF,
  /** Hugging Face's diffusers: a directory for each part of a model. */
  DIFFUSERS,
  /** Adapters, as Hugging Face's PEFT has them. */
  PEFT;

  /** The name on the command line. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Format of(String id) {
    List<String> ids = Arrays.stream(values()).map(Format::id).toList();
    if (!ids.contains(id)) {
      throw new IllegalArgumentException(
          "Cannot export: format=%s, expected one of %s%s"
              .formatted(
                  id, ids, Nearest.to(id, ids).map(n -> "; did you mean " + n + "?").orElse("")));
    }
    return valueOf(id.toUpperCase(Locale.ROOT));
  }
}

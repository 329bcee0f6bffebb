package org.talespark.data.corpus;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** What a file is by its name. */
enum Kind {
  PICTURE("pictures"),
  TAR("tars"),
  PARQUET("Parquet files"),
  JSONL("JSONL files"),
  CSV("CSV files"),
  OTHER("other files");

  private static final Set<String> PICTURES =
      Set.of("jpg", "jpeg", "jpe", "png", "webp", "bmp", "gif", "tif", "tiff");
  private static final Pattern TARS = Pattern.compile(".+\\.(tar(\\.gz|\\.bz2)?|tgz|tbz2)");
  private static final Pattern PARQUETS = Pattern.compile(".+\\.(parquet|pq)");
  private static final Pattern JSONLS = Pattern.compile(".+\\.(jsonl|ndjson)(\\.gz|\\.bz2)?");
  private static final Pattern CSVS = Pattern.compile(".+\\.(csv|tsv)(\\.gz|\\.bz2)?");

  private final String title;

  Kind(String title) {
    this.title = title;
  }

  /** The plural in messages. */
  String title() {
    return title;
  }

  static Kind of(FoundFile file) {
    if (isPicture(file.extension())) {
      return PICTURE;
    }
    String name = file.name().toLowerCase(Locale.ROOT);
    if (TARS.matcher(name).matches()) {
      return TAR;
    }
    if (PARQUETS.matcher(name).matches()) {
      return PARQUET;
    }
    if (JSONLS.matcher(name).matches()) {
      return JSONL;
    }
    return CSVS.matcher(name).matches() ? CSV : OTHER;
  }

  /** Whether an extension in lower case is a picture's. */
  static boolean isPicture(String extension) {
    return PICTURES.contains(extension);
  }
}

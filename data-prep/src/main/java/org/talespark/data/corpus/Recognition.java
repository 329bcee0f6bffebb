package org.talespark.data.corpus;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.talespark.data.BadInputException;

/** Tells what an input is by the names of its files. */
final class Recognition {

  private static final Map<Kind, Format> FORMATS =
      Map.of(
          Kind.PICTURE, Format.FOLDER,
          Kind.TAR, Format.WEBDATASET,
          Kind.PARQUET, Format.PARQUET,
          Kind.JSONL, Format.JSONL,
          Kind.CSV, Format.CSV);

  private Recognition() {}

  /**
   * The input's format. Manifests beside pictures are taken for other things, unless they are
   * called {@code metadata}, as Hugging Face calls the manifest of a folder.
   *
   * @throws BadInputException when it is none or may be several
   */
  static Format of(Input input) {
    Map<Kind, Long> seen = new EnumMap<>(Kind.class);
    input.files().forEach(file -> seen.merge(Kind.of(file), 1L, Long::sum));
    Set<Kind> kinds = EnumSet.noneOf(Kind.class);
    kinds.addAll(seen.keySet());
    kinds.remove(Kind.OTHER);
    boolean pictures = kinds.contains(Kind.PICTURE);
    if (pictures || kinds.contains(Kind.TAR) || kinds.contains(Kind.PARQUET)) {
      boolean described = pictures && input.walked().stream().anyMatch(Recognition::describes);
      if (!described) {
        kinds.remove(Kind.JSONL);
        kinds.remove(Kind.CSV);
      }
    }
    if (kinds.size() > 1) {
      throw new BadInputException(
          "Cannot recognise input: input=%s holds %s, expected one kind; try --format with one of %s, or the file or folder that is meant"
              .formatted(input.given(), counts(seen), formats(kinds)));
    }
    if (kinds.size() == 1) {
      return FORMATS.get(kinds.iterator().next());
    }
    // captions or links alone are inputs too, rejected one by one
    if (input.walked().stream().anyMatch(file -> file.unsafe() || file.extension().equals("txt"))) {
      return Format.FOLDER;
    }
    throw new BadInputException(
        "Cannot recognise input: input=%s holds %s, expected pictures, tars, Parquet, JSONL or CSV; try --format with webdataset, parquet, jsonl or csv if its files are named otherwise"
            .formatted(input.given(), extensions(input.files())));
  }

  private static boolean describes(FoundFile file) {
    Kind kind = Kind.of(file);
    return (kind == Kind.JSONL || kind == Kind.CSV) && file.name().startsWith("metadata.");
  }

  private static String counts(Map<Kind, Long> seen) {
    return seen.entrySet().stream()
        .filter(entry -> entry.getKey() != Kind.OTHER)
        .map(entry -> entry.getValue() + " " + entry.getKey().title())
        .collect(Collectors.joining(", "));
  }

  private static String formats(Set<Kind> kinds) {
    return kinds.stream().map(kind -> FORMATS.get(kind).id()).collect(Collectors.joining(", "));
  }

  private static String extensions(List<FoundFile> files) {
    Map<String, Integer> counts = new TreeMap<>();
    files.forEach(file -> counts.merge(file.extension(), 1, Integer::sum));
    return files.isEmpty()
        ? "no files"
        : files.size()
            + " files with the extensions "
            + counts.keySet().stream().limit(10).collect(Collectors.joining(", ", "[", "]"));
  }
}

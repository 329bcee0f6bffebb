package org.talespark.data.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.BadInputException;
import org.talespark.data.Reason;

/**
 * Cuts manifests into portions of some hundred rows, since each row is a picture's work. The file
 * is read through once for that. A compressed one has few portions, because each must decompress
 * what is before it. When compressed data are damaged, the rows before are used and the file is one
 * further candidate, refused as {@code truncated}.
 */
final class ManifestListing {

  private static final int ROWS = 256;
  private static final long BYTES = 8L << 20;
  private static final int MOST_COMPRESSED_PORTIONS = 32;

  private ManifestListing() {}

  /** A row to begin at, and how many follow it up to the next mark. */
  private record Mark(long offset, long line, long rows) {}

  /** One JSON object a line. */
  static List<Portion> jsonl(FoundFile file, String prefix, ReadLimits limits, Configuration hadoop)
      throws IOException {
    return portions(
        new ManifestPortion.Source(file, prefix, RowFramer.LINES, List.of(), limits), hadoop);
  }

  /**
   * Values under a header, separated by commas, tabs or semicolons.
   *
   * @throws BadInputException when the header lacks a column of pictures or captions
   */
  static List<Portion> csv(FoundFile file, String prefix, ReadLimits limits, Configuration hadoop)
      throws IOException {
    byte[] header;
    try (InputStream in = Storage.content(file, hadoop)) {
      RowFramer framer = new RowFramer(in, 0, 1, RowFramer.LINES, limits.maxRowBytes());
      if (!framer.next()) {
        return List.of(new RefusedPortion(file, Reason.EMPTY_FILE));
      }
      header = framer.row();
    } catch (IOException e) {
      return List.of(new RefusedPortion(file, Reason.TRUNCATED));
    }
    List<String> first = null;
    for (char separator :
        file.name().contains(".tsv") ? "\t,;".toCharArray() : ",\t;".toCharArray()) {
      List<String> columns =
          header == null ? null : new CsvRows(separator, limits.maxRowBytes()).parse(header);
      if (columns == null) {
        continue;
      }
      columns = columns.stream().map(name -> RawText.readable(name).strip()).toList();
      if (Columns.find(Columns.PATHS, columns) != null
          && Columns.find(Columns.CAPTIONS, columns) != null) {
        return portions(
            new ManifestPortion.Source(file, prefix, separator, columns, limits), hadoop);
      }
      first = first == null ? columns : first;
    }
    if (first == null) {
      throw new BadInputException(
          "Cannot read input: file=%s has no header that is CSV, expected the columns' names in its first line; try --format for another kind"
              .formatted(file.source()));
    }
    throw new BadInputException(
        Columns.find(Columns.PATHS, first) == null
            ? Columns.missing("pictures", file.source(), first, Columns.PATHS)
            : Columns.missing("captions", file.source(), first, Columns.CAPTIONS));
  }

  private static List<Portion> portions(ManifestPortion.Source source, Configuration hadoop)
      throws IOException {
    List<Mark> marks = new ArrayList<>();
    boolean damaged = false;
    try (InputStream in = Storage.content(source.file(), hadoop)) {
      scan(source.framer(in, 0, 1), source.hasHeader(), marks);
    } catch (UncheckedIOException e) {
      throw e;
    } catch (IOException e) {
      damaged = true;
    }
    List<Portion> portions = new ArrayList<>();
    boolean compressed = Storage.codec(source.file(), hadoop) != null;
    int together = compressed ? 1 + marks.size() / MOST_COMPRESSED_PORTIONS : 1;
    for (int i = 0; i < marks.size(); i += together) {
      Mark begin = marks.get(i);
      long rows = 0;
      for (Mark mark : marks.subList(i, Math.min(marks.size(), i + together))) {
        rows += mark.rows();
      }
      portions.add(new ManifestPortion(source, begin.offset(), begin.line(), rows));
    }
    if (damaged) {
      portions.add(new RefusedPortion(source.file(), Reason.TRUNCATED));
    } else if (portions.isEmpty()) {
      portions.add(new RefusedPortion(source.file(), Reason.EMPTY_FILE));
    }
    return portions;
  }

  /** Marks hold what was found before damage, too. */
  private static void scan(RowFramer framer, boolean header, List<Mark> marks) throws IOException {
    if (header && !framer.next()) {
      return;
    }
    while (framer.next()) {
      int last = marks.size() - 1;
      Mark mark = last < 0 ? null : marks.get(last);
      if (mark == null || mark.rows() == ROWS || framer.offset() - mark.offset() > BYTES) {
        marks.add(new Mark(framer.offset(), framer.line(), 1));
      } else {
        marks.set(last, new Mark(mark.offset(), mark.line(), mark.rows() + 1));
      }
    }
  }
}

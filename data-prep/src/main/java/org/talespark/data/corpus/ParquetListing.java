package org.talespark.data.corpus;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.talespark.data.BadInputException;

/**
 * Cuts Parquet files into row groups, and row groups of many pictures into ranges of rows. Each
 * range must read the pages before it, so a row group has few. A file without a usable footer is
 * one refused candidate.
 */
final class ParquetListing {

  private static final int PATHS = 256;
  private static final int PICTURES = 1024;
  private static final long BYTES = 64L << 20;
  private static final int MOST_RANGES_OF_PATHS = 32;
  private static final int MOST_RANGES_OF_PICTURES = 8;

  private ParquetListing() {}

  /**
   * Lists a file.
   *
   * @throws BadInputException when it has no column of pictures or captions
   */
  static List<Portion> portions(
      FoundFile file, String prefix, ReadLimits limits, Configuration hadoop) throws IOException {
    ParquetFooter footer;
    try (ParquetInput in = ParquetInput.open(file, hadoop)) {
      footer = ParquetFooter.read(in);
    } catch (DamagedParquetException e) {
      return List.of(new RefusedPortion(file, e.reason()));
    }
    boolean bytes = ParquetColumns.of(footer.schema(), file.source()).bytes();
    List<Portion> portions = new ArrayList<>();
    long before = 0;
    for (int i = 0; i < footer.groups().size(); i++) {
      BlockMetaData group = footer.groups().get(i);
      long rows = group.getRowCount();
      long ranges = Math.min(rows, ranges(group, bytes));
      for (long range = 0; range < ranges; range++) {
        long from = rows * range / ranges;
        long to = rows * (range + 1) / ranges;
        portions.add(new ParquetPortion(file, prefix, limits, i, before, from, to));
      }
      before += rows;
    }
    return portions;
  }

  private static long ranges(BlockMetaData group, boolean bytes) {
    return bytes
        ? Math.min(
            MOST_RANGES_OF_PICTURES,
            Math.max(group.getRowCount() / PICTURES, group.getCompressedSize() / BYTES) + 1)
        : Math.min(MOST_RANGES_OF_PATHS, group.getRowCount() / PATHS + 1);
  }
}

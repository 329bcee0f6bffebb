package org.talespark.data.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * Some rows of a JSONL or CSV manifest.
 *
 * @param offset of the first row in the content, after decompression
 * @param line of the first row, from 1
 * @param rows how many
 */
record ManifestPortion(Source source, long offset, long line, long rows) implements Portion {

  /**
   * A manifest.
   *
   * @param separator of a CSV's values, or {@link RowFramer#LINES} for JSONL
   * @param columns a CSV's header
   */
  record Source(
      FoundFile file, String prefix, int separator, List<String> columns, ReadLimits limits)
      implements Serializable {

    Source {
      columns = List.copyOf(columns);
    }

    boolean hasHeader() {
      return separator != RowFramer.LINES;
    }

    RowFramer framer(InputStream in, long offset, long line) {
      return new RowFramer(in, offset, line, separator, limits.maxRowBytes());
    }
  }

  @Override
  public Candidates open(Configuration hadoop) throws IOException {
    return new ManifestCandidates(this, hadoop);
  }
}

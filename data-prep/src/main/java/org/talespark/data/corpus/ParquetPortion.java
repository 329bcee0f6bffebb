package org.talespark.data.corpus;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;

/**
 * Rows of a row group.
 *
 * @param group the row group's place in the file
 * @param before rows of the row groups before it
 * @param from the first row in the group
 * @param to the row in the group that is after the last
 */
record ParquetPortion(
    FoundFile file, String prefix, ReadLimits limits, int group, long before, long from, long to)
    implements Portion {

  @Override
  public Candidates open(Configuration hadoop) throws IOException {
    return new ParquetCandidates(this, hadoop);
  }
}

package org.talespark.data.corpus;

import java.io.IOException;
import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;

/**
 * Work of about equal size: some pictures of a folder, a tar, row groups of a Parquet file, rows of
 * a manifest. Portions are cut by the input alone, so they are the same on every cluster.
 */
public sealed interface Portion extends Serializable
    permits FolderPortion, ManifestPortion, ParquetPortion, RefusedPortion, TarPortion {

  /**
   * Opens the portion; any number of times, on any machine.
   *
   * @throws IOException when the storage fails
   */
  Candidates open(Configuration hadoop) throws IOException;
}

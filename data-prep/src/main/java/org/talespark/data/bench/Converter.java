package org.talespark.data.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * One way to turn picture files into small square JPEGs. Each thread or process appends its results
 * to one file, as they would go into a shard: making a file for each costs a tenth of what
 * converting does, and differs with what was there before.
 */
interface Converter {

  /**
   * Converts the pictures into files in a folder and returns how long that took.
   *
   * @return seconds by the clock, without what is needed once a process
   * @throws IOException when a file cannot be read, converted or written
   */
  double seconds(List<Path> pictures, Path out) throws IOException;
}

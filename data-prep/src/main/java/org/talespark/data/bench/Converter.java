package org.talespark.data.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** One way to turn picture files into small square JPEG files. */
interface Converter {

  /**
   * Converts each file into one of the same name and returns how long that took.
   *
   * @return seconds by the clock, without what is needed once a process
   * @throws IOException when a file cannot be read, converted or written
   */
  double seconds(List<Path> pictures, Path out) throws IOException;
}

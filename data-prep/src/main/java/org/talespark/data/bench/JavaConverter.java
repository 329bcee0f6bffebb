package org.talespark.data.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A converter in this process. */
interface JavaConverter extends Converter {

  /** How many threads work at the same time. */
  int threads();

  /** Reads a picture's file; its small JPEG. */
  byte[] convert(Path picture) throws IOException;

  @Override
  default double seconds(List<Path> pictures, Path out) throws IOException {
    List<OutputStream> files = new ArrayList<>();
    try {
      for (int thread = 0; thread < threads(); thread++) {
        files.add(Files.newOutputStream(out.resolve("small-%d".formatted(thread))));
      }
      long start = System.nanoTime();
      Threads.each(
          threads(),
          pictures.size(),
          (thread, i) -> files.get(thread).write(convert(pictures.get(i))));
      return (System.nanoTime() - start) / 1e9;
    } finally {
      for (OutputStream file : files) {
        file.close();
      }
    }
  }
}

package org.talespark.data.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A program of another language. It is called with a file that lists the pictures, the folder to
 * write to, the size, the JPEG quality and the number of processes, and prints one line of JSON
 * with {@code seconds}.
 */
record PeerConverter(PeerProgram program, int size, int quality, int processes)
    implements Converter {

  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public double seconds(List<Path> pictures, Path out) throws IOException {
    Path list = Files.createTempFile(out, "pictures", ".txt");
    try {
      Files.write(list, pictures.stream().map(Path::toString).toList());
      String answer =
          program.answer(
              List.of(
                  list.toString(),
                  out.toString(),
                  Integer.toString(size),
                  Integer.toString(quality),
                  Integer.toString(processes)));
      JsonNode result = JSON.readTree(answer.strip());
      int converted = Objects.requireNonNullElse(result, JSON.nullNode()).path("pictures").asInt();
      if (converted != pictures.size() || result.path("seconds").asDouble() <= 0) {
        throw new IOException(
            "Cannot time %s: answer=%s, expected %d pictures and seconds"
                .formatted(program.command(), result, pictures.size()));
      }
      return result.get("seconds").asDouble();
    } finally {
      Files.deleteIfExists(list);
    }
  }
}

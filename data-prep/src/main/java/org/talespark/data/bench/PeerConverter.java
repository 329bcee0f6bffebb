package org.talespark.data.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * A program of another language. It is called with a file that lists the pictures, the folder to
 * write to, the size, the JPEG quality and the number of processes, and prints one line of JSON
 * with {@code seconds}.
 */
record PeerConverter(List<String> command, int size, int quality, int processes)
    implements Converter {

  private static final long LIMIT_MINUTES = 10;
  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public double seconds(List<Path> pictures, Path out) throws IOException {
    Path list = Files.createTempFile(out, "pictures", ".txt");
    Path answer = Files.createTempFile(out, "answer", ".json");
    try {
      Files.write(list, pictures.stream().map(Path::toString).toList());
      List<String> words = new ArrayList<>(command);
      words.addAll(
          List.of(
              list.toString(),
              out.toString(),
              Integer.toString(size),
              Integer.toString(quality),
              Integer.toString(processes)));
      run(words, answer);
      JsonNode result = JSON.readTree(Files.readString(answer, UTF_8).strip());
      int converted = Objects.requireNonNullElse(result, JSON.nullNode()).path("pictures").asInt();
      if (converted != pictures.size() || result.path("seconds").asDouble() <= 0) {
        throw new IOException(
            "Cannot time %s: answer=%s, expected %d pictures and seconds"
                .formatted(command, result, pictures.size()));
      }
      return result.get("seconds").asDouble();
    } finally {
      Files.deleteIfExists(list);
      Files.deleteIfExists(answer);
    }
  }

  private void run(List<String> words, Path answer) throws IOException {
    Process process =
        new ProcessBuilder(words)
            .redirectOutput(answer.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
        throw new IOException(
            "Cannot time %s: it does not end, expected %d minutes at most"
                .formatted(command, LIMIT_MINUTES));
      }
      if (process.exitValue() != 0) {
        throw new IOException(
            "Cannot time %s: exit_code=%d, expected 0; its errors are above"
                .formatted(command, process.exitValue()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot time %s: interrupted".formatted(command), e);
    } finally {
      process.destroyForcibly();
    }
  }
}

package org.talespark.data.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A program of another language that benchmarks stand beside. What it prints is its answer; its
 * errors go where ours go.
 *
 * @param command its command with all words
 */
public record PeerProgram(List<String> command) {
  private static final long LIMIT_MINUTES = 10;

  public PeerProgram {
    command = List.copyOf(command);
  }

  /** The program of a command line; words are separated by spaces. */
  public static PeerProgram of(String line) {
    return new PeerProgram(List.of(line.strip().split("\\s+", -1)));
  }

  /**
   * Runs it once.
   *
   * @param arguments words after the command's own
   * @return what it printed
   * @throws IOException when it cannot start, fails, or takes too long
   */
  public String answer(List<String> arguments) throws IOException {
    List<String> words = new ArrayList<>(command);
    words.addAll(arguments);
    Path answer = Files.createTempFile("talespark-peer", ".json");
    try {
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
      return Files.readString(answer, UTF_8);
    } finally {
      Files.deleteIfExists(answer);
    }
  }
}

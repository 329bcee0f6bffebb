package org.talespark.jobs.infer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import java.util.List;
import org.talespark.data.BadInputException;
import org.talespark.zoo.io.Nearest;

/**
 * Reads the lines of a {@code .jsonl} file.
 *
 * @param purpose what cannot be done where a line is refused, as in {@code read prompts}
 * @param input URI of the file
 * @param keys that an object may have
 * @param example such an object
 */
record JsonLine(String purpose, String input, List<String> keys, String example) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * The object on a line.
   *
   * @throws BadInputException when it is none, or has another key
   */
  <T> T read(Class<T> type, String line, long number) {
    try {
      T read = JSON.readValue(line, type);
      if (read == null) {
        throw refused(number, line, "an object", null);
      }
      return read;
    } catch (UnrecognizedPropertyException e) {
      String nearest =
          Nearest.to(e.getPropertyName(), keys)
              .map(key -> "; did you mean " + key + "?")
              .orElse("");
      throw refused(number, e.getPropertyName(), "one of " + keys + nearest, e);
    } catch (JsonProcessingException e) {
      throw refused(number, line, "an object such as " + example, e);
    }
  }

  BadInputException refused(long number, String found, String expected, Exception cause) {
    return new BadInputException(
        "Cannot %s: input=%s line=%d: %s, expected %s"
            .formatted(purpose, input, number, found, expected),
        cause);
  }
}

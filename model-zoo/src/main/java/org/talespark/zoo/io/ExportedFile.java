package org.talespark.zoo.io;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A file of an exported model.
 *
 * @param path below the model's directory
 * @param body its bytes, when they are asked for
 */
public record ExportedFile(String path, Body body) {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** Writes a file. */
  @FunctionalInterface
  public interface Body {
    void writeTo(OutputStream out) throws IOException;
  }

  public ExportedFile {
    requireNonNull(path, "path");
    requireNonNull(body, "body");
  }

  public static ExportedFile json(String path, Object value) {
    return new ExportedFile(
        path, out -> out.write((JSON.writeValueAsString(value) + "\n").getBytes(UTF_8)));
  }

  public static ExportedFile text(String path, String text) {
    return new ExportedFile(path, out -> out.write(text.getBytes(UTF_8)));
  }

  public static ExportedFile bytes(String path, byte[] bytes) {
    return new ExportedFile(path, out -> out.write(bytes));
  }

  /** Tensors under their names, as PyTorch's libraries load them. */
  public static ExportedFile tensors(String path, Map<String, INDArray> tensors) {
    List<TensorSource> sources =
        new TreeMap<>(tensors)
            .entrySet().stream().map(e -> TensorSource.of(e.getKey(), e.getValue())).toList();
    return new ExportedFile(
        path, out -> SafetensorsWriter.write(out, Map.of("format", "pt"), sources));
  }
}

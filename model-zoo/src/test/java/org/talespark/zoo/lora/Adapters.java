package org.talespark.zoo.lora;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.ModelFiles;
import org.talespark.zoo.io.SafetensorsFile;

/** What {@code src/test/python/lora.py} wrote. */
public final class Adapters {
  private Adapters() {}

  /** A file or directory below {@code lora}. */
  public static Path path(String name) {
    try {
      return Path.of(Objects.requireNonNull(Adapters.class.getResource("/lora/" + name)).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(name, e);
    }
  }

  /** An adapter on the CLIP {@code clip/plain}. */
  public static PeftAdapter read(String name) {
    try {
      return PeftAdapter.read(ModelFiles.of(path(name)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All tensors of a file. */
  public static Map<String, INDArray> tensors(Path file) {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      for (String name : open.header().tensors().keySet()) {
        tensors.put(name, open.tensor(name).load());
      }
      return tensors;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package org.talespark.zoo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.SafetensorsFile;

/**
 * What PyTorch computes with a small network: weights, inputs, result and gradients, which {@code
 * src/test/python/parity.py} wrote.
 */
public final class Parity {
  private final Map<String, INDArray> arrays;

  private Parity(Map<String, INDArray> arrays) {
    this.arrays = arrays;
  }

  /** Opens {@code parity/NAME.safetensors}. */
  public static Parity of(String name) {
    String resource = "/parity/" + name + ".safetensors";
    try (SafetensorsFile file =
        SafetensorsFile.open(
            Path.of(
                Objects.requireNonNull(Parity.class.getResource(resource), resource).toURI()))) {
      Map<String, INDArray> arrays = new TreeMap<>();
      for (String tensor : file.header().tensors().keySet()) {
        arrays.put(tensor, file.tensor(tensor).load());
      }
      return new Parity(arrays);
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException("Cannot read " + resource, e);
    }
  }

  public INDArray array(String name) {
    return Objects.requireNonNull(arrays.get(name), name);
  }

  /** All that begin so, by the rest of their names. */
  public Map<String, INDArray> all(String prefix) {
    Map<String, INDArray> found = new LinkedHashMap<>();
    arrays.forEach(
        (name, array) -> {
          if (name.startsWith(prefix)) {
            found.put(name.substring(prefix.length()), array);
          }
        });
    return found;
  }

  /** Loads PyTorch's weights into a network with exactly these parameters. */
  public void loadInto(Map<String, INDArray> parameters) {
    Map<String, INDArray> weights = all("weight.");
    Set<String> names = new TreeSet<>(parameters.keySet());
    assertThat(names).isEqualTo(new TreeSet<>(weights.keySet()));
    weights.forEach(
        (name, weight) -> {
          assertThat(parameters.get(name).shape()).as(name).isEqualTo(weight.shape());
          parameters.get(name).assign(weight);
        });
  }

  /** Compares with an array of PyTorch's, by the norm of the difference. */
  public void agrees(String name, INDArray found, double tolerance) {
    assertThat(difference(name, found) / norm(array(name))).as(name).isLessThan(tolerance);
  }

  /**
   * Compares the gradients of all parameters. A hundredth of the norm of all of them counts to each
   * one's size: where large terms cancel, as in the bias of attention's keys, their rounding stays.
   */
  public void gradientsAgree(Map<String, INDArray> gradients, double tolerance) {
    Map<String, INDArray> expected = all("gradient.");
    assertThat(new TreeSet<>(gradients.keySet())).isEqualTo(new TreeSet<>(expected.keySet()));
    double squares = 0;
    for (INDArray gradient : expected.values()) {
      squares += norm(gradient) * norm(gradient);
    }
    double rounding = Math.sqrt(squares) / 100;
    Map<String, Double> wrong = new TreeMap<>();
    gradients.forEach(
        (name, gradient) -> {
          double size = norm(expected.get(name)) + rounding;
          double error = difference("gradient." + name, gradient) / size;
          if (!(error < tolerance)) {
            wrong.put(name, error);
          }
        });
    assertThat(wrong).isEmpty();
  }

  private double difference(String name, INDArray found) {
    INDArray expected = array(name).castTo(DataType.DOUBLE);
    return norm(found.castTo(DataType.DOUBLE).reshape(expected.shape()).sub(expected));
  }

  private static double norm(INDArray array) {
    return array.castTo(DataType.DOUBLE).norm2Number().doubleValue();
  }
}

package org.talespark.zoo.io;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.zoo.graph.ParameterLayout;

/** The parameters of one flat array as the named tensors of a file, without copies either way. */
public final class FlatTensors {
  private FlatTensors() {}

  /**
   * One slot of a flat array as an array of its own shape, sharing memory.
   *
   * @param flat rank 1, as long as the layout
   */
  public static INDArray view(INDArray flat, ParameterLayout.Slot slot) {
    return flat.get(NDArrayIndex.interval(slot.offset(), slot.end()))
        .reshape('c', slot.dimensions());
  }

  /** All slots as sources under their own names. */
  public static List<TensorSource> sources(ParameterLayout layout, INDArray flat) {
    check(layout, flat);
    List<TensorSource> sources = new ArrayList<>();
    for (ParameterLayout.Slot slot : layout.slots()) {
      if (slot.length() > 0) {
        sources.add(TensorSource.of(slot.name(), view(flat, slot)));
      }
    }
    return sources;
  }

  /**
   * Fills all slots from a file that holds exactly them.
   *
   * @return the names that were read
   */
  public static Set<String> load(SafetensorsReader reader, ParameterLayout layout, INDArray flat)
      throws IOException {
    return load(reader, layout, flat, UnaryOperator.identity(), false);
  }

  /**
   * Fills all slots from a file.
   *
   * @param slotName maps a name of the file to a slot's
   * @param ignoreOthers whether the file may hold tensors that are no slot
   * @return the slots that were filled, which are all
   */
  public static Set<String> load(
      SafetensorsReader reader,
      ParameterLayout layout,
      INDArray flat,
      UnaryOperator<String> slotName,
      boolean ignoreOthers)
      throws IOException {
    check(layout, flat);
    Set<String> missing = new LinkedHashSet<>();
    layout.slots().stream()
        .filter(slot -> slot.length() > 0)
        .map(ParameterLayout.Slot::name)
        .forEach(missing::add);
    Set<String> wanted = new LinkedHashSet<>(missing);
    Set<String> others = new LinkedHashSet<>();
    for (String name : reader.header().tensors().keySet()) {
      String slot = slotName.apply(name);
      if (!missing.remove(slot)) {
        others.add(name);
      }
    }
    if (!missing.isEmpty() || (!others.isEmpty() && !ignoreOthers)) {
      throw new SafetensorsException(
          "Cannot load parameters: missing=%s unexpected=%s, expected the tensors of the model"
              .formatted(Names.some(missing), Names.some(others)));
    }
    reader.forEach(
        tensor -> {
          String name = tensor.info().name();
          if (!others.contains(name)) {
            tensor.loadInto(view(flat, layout.slot(slotName.apply(name))));
          }
        });
    return wanted;
  }

  private static void check(ParameterLayout layout, INDArray flat) {
    if (flat.rank() != 1 || flat.length() != layout.length()) {
      throw new IllegalArgumentException(
          "Cannot map parameters: rank=%d length=%d, expected a flat array of %d elements"
              .formatted(flat.rank(), flat.length(), layout.length()));
    }
  }
}

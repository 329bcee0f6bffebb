package org.talespark.zoo.graph;

import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Named arrays that are views of one flat, contiguous, rank-1 array. */
public final class Parameters {
  private final ParameterLayout layout;
  private final INDArray flat;
  private final Map<String, INDArray> views;

  /** All zeros. */
  public Parameters(ParameterLayout layout, DataType type) {
    this.layout = layout;
    this.flat = Nd4j.zeros(type, Math.max(1, layout.length()));
    this.views = views(layout, flat);
  }

  /** Views of any flat array by the names of a layout, in flat order. */
  public static Map<String, INDArray> views(ParameterLayout layout, INDArray flat) {
    Map<String, INDArray> views = new LinkedHashMap<>();
    for (ParameterLayout.Slot slot : layout.slots()) {
      views.put(slot.name(), Views.view(flat, slot.offset(), slot.dimensions()));
    }
    return views;
  }

  public ParameterLayout layout() {
    return layout;
  }

  /** The flat array itself, not a copy. */
  public INDArray flat() {
    return flat;
  }

  /** One parameter as a view of the flat array, in its own shape. */
  public INDArray view(String name) {
    layout.slot(name);
    return views.get(name);
  }

  /** All parameters by name, as views, in flat order. */
  public Map<String, INDArray> views() {
    return new LinkedHashMap<>(views);
  }
}

package org.talespark.zoo.optim;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.ParameterLayout;

/** What all optimizers share: the walk over the blocks, the state, and the groups. */
abstract sealed class FlatOptimizer implements Optimizer
    permits AdamOptimizer, SgdOptimizer, LionOptimizer, MuonOptimizer {
  private final GroupRuns runs;
  private final Map<String, INDArray> state;
  private final List<FlatArray> stateArrays = new ArrayList<>();
  private final List<FlatArray> walked = new ArrayList<>(); // the state's, then what is only read
  private final DataType type;
  private final long length;
  // blocks in Java memory, of one of the two types: parameters, gradients, one a walked array
  private final float[][] floats;
  private final double[][] doubles;
  private FlatArray parameters;
  private FlatArray gradients;
  private long steps;

  FlatOptimizer(ParameterLayout layout, DataType type, List<String> stateNames) {
    this(layout, type, stateNames, Group::of, List.of(), Map.of());
  }

  /**
   * @param read arrays laid out as the parameters, behind the state's in the blocks
   * @param kept what belongs to the state besides, laid out as the parameters
   */
  FlatOptimizer(
      ParameterLayout layout,
      DataType type,
      List<String> stateNames,
      Function<ParameterLayout.Slot, Group> groupOf,
      List<FlatArray> read,
      Map<String, INDArray> kept) {
    FlatArray.checkType("parameters", type);
    if (layout.length() == 0) {
      throw new IllegalArgumentException(
          "Cannot create optimizer: parameters=0, expected at least one trainable parameter");
    }
    this.runs = new GroupRuns(layout, groupOf);
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    for (String name : stateNames) {
      INDArray array = Nd4j.create(type, layout.length());
      arrays.put(name, array);
      stateArrays.add(FlatArray.of(name, array));
    }
    arrays.putAll(kept);
    this.state = Collections.unmodifiableMap(arrays);
    boolean single = type == DataType.FLOAT;
    walked.addAll(stateArrays);
    walked.addAll(read);
    int blocks = 2 + walked.size();
    this.floats = single ? new float[blocks][FlatArray.BLOCK] : new float[0][];
    this.doubles = single ? new double[0][] : new double[blocks][FlatArray.BLOCK];
    this.length = layout.length();
    this.type = type;
  }

  /** Computes what is the same for all elements of one update; the first update is step 1. */
  abstract void prepare(long step, double learningRate);

  /** Computes what needs whole parameters; nothing is updated when it fails. */
  void direct(FlatArray ofGradients) {}

  /** The array of a state, for {@link #direct}. */
  final FlatArray stateArray(int index) {
    return stateArrays.get(index);
  }

  /**
   * Updates the elements [from, to) of a block.
   *
   * @param blocks parameters, gradients, then the state in order, then what is only read
   */
  abstract void apply(float[][] blocks, int from, int to, Group group);

  abstract void apply(double[][] blocks, int from, int to, Group group);

  @Override
  public final void update(INDArray newParameters, INDArray newGradients, double learningRate) {
    if (!(learningRate >= 0) || Double.isInfinite(learningRate)) {
      throw new IllegalArgumentException(
          "Cannot update parameters: learning_rate=%s, expected a finite number >= 0"
              .formatted(learningRate));
    }
    parameters = FlatArray.rebind(parameters, "parameters", newParameters, type, length);
    gradients = FlatArray.rebind(gradients, "gradients", newGradients, type, length);
    prepare(steps + 1, learningRate);
    try {
      direct(gradients);
      if (type == DataType.FLOAT) {
        updateFloats();
      } else {
        updateDoubles();
      }
    } finally {
      Reference.reachabilityFence(this);
    }
    steps++;
  }

  private void updateFloats() {
    float[][] blocks = floats;
    int run = 0;
    for (long offset = 0; offset < length; offset += FlatArray.BLOCK) {
      int n = parameters.blockLength(offset);
      parameters.read(offset, blocks[0], n);
      gradients.read(offset, blocks[1], n);
      for (int w = 0; w < walked.size(); w++) {
        walked.get(w).read(offset, blocks[2 + w], n);
      }
      int from = 0;
      while (from < n) {
        int to = (int) Math.min(n, runs.end(run) - offset);
        apply(blocks, from, to, runs.group(run));
        run += offset + to == runs.end(run) ? 1 : 0;
        from = to;
      }
      parameters.write(offset, blocks[0], n);
      for (int s = 0; s < stateArrays.size(); s++) {
        stateArrays.get(s).write(offset, blocks[2 + s], n);
      }
    }
  }

  private void updateDoubles() {
    double[][] blocks = doubles;
    int run = 0;
    for (long offset = 0; offset < length; offset += FlatArray.BLOCK) {
      int n = parameters.blockLength(offset);
      parameters.read(offset, blocks[0], n);
      gradients.read(offset, blocks[1], n);
      for (int w = 0; w < walked.size(); w++) {
        walked.get(w).read(offset, blocks[2 + w], n);
      }
      int from = 0;
      while (from < n) {
        int to = (int) Math.min(n, runs.end(run) - offset);
        apply(blocks, from, to, runs.group(run));
        run += offset + to == runs.end(run) ? 1 : 0;
        from = to;
      }
      parameters.write(offset, blocks[0], n);
      for (int s = 0; s < stateArrays.size(); s++) {
        stateArrays.get(s).write(offset, blocks[2 + s], n);
      }
    }
  }

  @Override
  public final long steps() {
    return steps;
  }

  @Override
  public final Map<String, INDArray> state() {
    return state;
  }

  @Override
  public final void restore(long newSteps, Map<String, INDArray> saved) {
    if (newSteps < 0 || !saved.keySet().equals(state.keySet())) {
      throw new IllegalArgumentException(
          "Cannot restore optimizer: steps=%d state=%s, expected steps >= 0 and state=%s"
              .formatted(newSteps, saved.keySet(), state.keySet()));
    }
    saved.forEach(
        (name, array) -> {
          if (array.rank() != 1 || array.length() != length || array.dataType() != type) {
            throw new IllegalArgumentException(
                "Cannot restore optimizer: state=%s rank=%d length=%d type=%s, expected rank 1, length=%d, type=%s"
                    .formatted(name, array.rank(), array.length(), array.dataType(), length, type));
          }
        });
    saved.forEach((name, array) -> state.get(name).assign(array));
    steps = newSteps;
  }
}

package org.talespark.zoo.graph;

import static java.util.Objects.requireNonNull;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A SameDiff graph, forward and backward, lowered once into a static plan: topologically sorted
 * kernels over preallocated arrays. While it runs nothing is allocated, no shape inferred and no
 * name looked up.
 *
 * <p>Memory is planned by liveness ({@link MemoryPlanner}); reshapes are views; element-wise
 * operations write in place where nobody reads their input later. Trainable parameters are views of
 * one flat array and their gradients of another, both laid out in the order in which gradients
 * become ready; a {@link GradientListener} hears of each bucket as it completes.
 *
 * <p>Randomness enters as inputs, so a step is a pure function of parameters and inputs. With
 * ND4J's kernels results are bit-equal to SameDiff's interpreter; with the standard ones all but
 * convolutions by Winograd's algorithm are.
 *
 * <p>A step may have two parts. Inputs declared {@linkplain Builder#lateInput late} are set between
 * them: {@link #runEarly()} computes all that does not depend on them, {@link #runLate} the rest.
 * That is how a gradient that another graph computed enters a backward pass.
 *
 * <p>An instance is not thread-safe.
 */
public final class CompiledGraph implements AutoCloseable {

  private final Kernel[] kernels;
  private final int earlySteps;
  private final GradientBuckets buckets;
  private final Map<String, INDArray> inputs;
  private final Map<String, INDArray> outputs;
  private final Map<String, INDArray> inputGradients;
  private final Parameters parameters;
  private final Parameters gradients;
  private final PlanReport report;
  private final List<OpCall> calls;
  private final List<INDArray> owned;

  CompiledGraph(PlanAssembly plan) {
    this.kernels = plan.kernels.toArray(Kernel[]::new);
    this.earlySteps = plan.earlySteps;
    this.buckets = plan.buckets;
    this.inputs = plan.inputs;
    this.outputs = plan.outputs;
    this.inputGradients = plan.inputGradients;
    this.parameters = plan.parameters;
    this.gradients = plan.gradients;
    this.report = plan.report;
    this.calls = Collections.unmodifiableList(plan.calls); // null for a copy
    this.owned = plan.owned;
  }

  /** Begins a plan of this graph. */
  public static Builder of(SameDiff graph) {
    return new Builder(graph);
  }

  /** The array to fill before a step; it belongs to the plan. */
  public INDArray input(String name) {
    return named(inputs, name, "input");
  }

  /** Fills a floating-point input from values in C order. */
  public void fill(String name, float[] values) {
    INDArray array = input(name, values.length);
    if (array.dataType() == DataType.FLOAT) {
      FloatMemory.of(array).put(0, values, 0, values.length);
    } else {
      array.reshape(array.length()).assign(Nd4j.createFromArray(values));
    }
  }

  /** Fills an input of int32 indices from values in C order. */
  public void fill(String name, int[] values) {
    INDArray array = input(name, values.length);
    if (array.dataType() != DataType.INT32) {
      throw new IllegalArgumentException(
          "Cannot fill input: name=%s type=%s, expected INT32".formatted(name, array.dataType()));
    }
    FloatMemory.bits(array).put(0, values, 0, values.length);
  }

  private INDArray input(String name, int length) {
    INDArray array = input(name);
    if (length != array.length()) {
      throw new IllegalArgumentException(
          "Cannot fill input: name=%s values=%d, expected %d"
              .formatted(name, length, array.length()));
    }
    return array;
  }

  /** An output's array; its contents hold until the next step. */
  public INDArray output(String name) {
    return named(outputs, name, "output");
  }

  /** The gradient of the sum of losses with respect to an input. */
  public INDArray gradientOf(String input) {
    return named(inputGradients, input, "input with gradient");
  }

  /** The trainable parameters; empty for an inference plan. */
  public Parameters parameters() {
    return parameters;
  }

  /** The gradients, in the same layout as the parameters. */
  public Parameters gradients() {
    return gradients;
  }

  public PlanReport report() {
    return report;
  }

  /** Runs a whole step. */
  public void run() {
    run(GradientListener.NONE);
  }

  /** Runs a whole step, telling the listener of each bucket of gradients as it completes. */
  public void run(GradientListener listener) {
    run(0, kernels.length, listener);
  }

  /** Runs what does not depend on late inputs. */
  public void runEarly() {
    run(0, earlySteps, GradientListener.NONE);
  }

  /** Runs what depends on late inputs; {@link #runEarly()} must have run for the same inputs. */
  public void runLate(GradientListener listener) {
    run(earlySteps, kernels.length, listener);
  }

  private void run(int from, int to, GradientListener listener) {
    for (int i = from; i < to; i++) {
      kernels[i].run();
      buckets.after(i, listener);
    }
  }

  /** Runs a step and adds up the time of each kind of operation, in nanoseconds. */
  public Map<String, Long> profile() {
    Map<String, Long> nanos = new LinkedHashMap<>();
    for (int i = 0; i < kernels.length; i++) {
      long start = System.nanoTime();
      kernels[i].run();
      long spent = System.nanoTime() - start;
      OpCall call = calls.get(i);
      nanos.merge(call == null ? "copy" : call.opName(), spent, Long::sum);
    }
    return nanos;
  }

  /** Frees the plan's arena and gradients; parameters stay. */
  @Override
  public void close() {
    for (INDArray array : owned) {
      if (array.closeable()) {
        array.close();
      }
    }
    owned.clear();
  }

  private static INDArray named(Map<String, INDArray> arrays, String name, String what) {
    INDArray array = arrays.get(name);
    if (array == null) {
      throw new IllegalArgumentException(
          "Cannot find %s: name=%s, expected one of %s".formatted(what, name, arrays.keySet()));
    }
    return array;
  }

  /** What to compile, and how. */
  public static final class Builder {
    final SameDiff graph;
    final Map<String, long[]> inputShapes = new LinkedHashMap<>();
    final Set<String> lateInputs = new LinkedHashSet<>();
    final Set<String> outputs = new LinkedHashSet<>();
    final Set<String> losses = new LinkedHashSet<>();
    final Set<String> trainable = new LinkedHashSet<>();
    final Set<String> gradientInputs = new LinkedHashSet<>();
    final Map<String, INDArray> bound = new LinkedHashMap<>();
    Parameters parameters;
    KernelProvider kernels = KernelProvider.standard();
    long budgetBytes = Long.MAX_VALUE;
    long bucketBytes = 4L << 20;

    private Builder(SameDiff graph) {
      this.graph = requireNonNull(graph, "graph");
    }

    /** A placeholder and its shape. */
    public Builder input(String name, long... shape) {
      inputShapes.put(name, shape.clone());
      return this;
    }

    /** A placeholder that is set between the two parts of a step. */
    public Builder lateInput(String name, long... shape) {
      lateInputs.add(name);
      return input(name, shape);
    }

    /** Variables to read after a step. */
    public Builder outputs(String... names) {
      outputs.addAll(List.of(names));
      return this;
    }

    /** Loss terms, each a scalar; gradients are of their sum. */
    public Builder losses(String... names) {
      losses.addAll(List.of(names));
      return this;
    }

    /** The variables to train; a new flat array takes their present values. */
    public Builder train(Collection<String> names) {
      trainable.addAll(names);
      return this;
    }

    /** Trains these parameters, in their own layout. */
    public Builder train(Parameters shared) {
      parameters = requireNonNull(shared, "parameters");
      shared.layout().slots().forEach(s -> trainable.add(s.name()));
      return this;
    }

    /** An input whose gradient is wanted. */
    public Builder gradientOf(String input) {
      gradientInputs.add(input);
      return this;
    }

    /** Uses this array in place of the graph's variable or constant, without training it. */
    public Builder bind(String name, INDArray array) {
      bound.put(name, requireNonNull(array, name));
      return this;
    }

    /** Uses parameters of another plan, as far as this graph has variables of their names. */
    public Builder bind(Parameters shared) {
      shared
          .views()
          .forEach(
              (name, view) -> {
                if (graph.hasVariable(name)) {
                  bind(name, view);
                }
              });
      return this;
    }

    /** Asks this provider first; ND4J's kernels do the rest. */
    public Builder kernels(KernelProvider provider) {
      kernels = provider.orElse(KernelProvider.standard());
      return this;
    }

    /** Refuses a plan that would need more bytes. */
    public Builder budgetBytes(long bytes) {
      budgetBytes = bytes;
      return this;
    }

    /** Gradients are announced in buckets of at least this size. */
    public Builder bucketBytes(long bytes) {
      bucketBytes = bytes;
      return this;
    }

    /** Sizes of the plan, without allocating it. */
    public PlanReport plan() {
      return new PlanAssembly(this).report;
    }

    public CompiledGraph build() {
      PlanAssembly plan = new PlanAssembly(this);
      plan.allocate();
      return new CompiledGraph(plan);
    }

    /**
     * Appends the backward pass and names the gradient of each wanted variable; empty when nothing
     * is trained.
     */
    Map<String, String> differentiate() {
      Set<String> wanted = new LinkedHashSet<>(trainable);
      wanted.addAll(gradientInputs);
      if (wanted.isEmpty()) {
        return Map.of();
      }
      if (losses.isEmpty()) {
        throw new IllegalArgumentException(
            "Cannot compile graph: gradients are wanted but no loss is named; call losses(name)");
      }
      Map<String, SDVariable> gradients = Autodiff.gradients(graph, losses, wanted);
      Map<String, String> names = new LinkedHashMap<>();
      for (String name : wanted) {
        if (!gradients.containsKey(name)) {
          throw new IllegalArgumentException(
              "Cannot compile graph: variable=%s has no path to the losses %s"
                  .formatted(name, losses));
        }
        names.put(name, gradients.get(name).name());
      }
      return names;
    }
  }
}

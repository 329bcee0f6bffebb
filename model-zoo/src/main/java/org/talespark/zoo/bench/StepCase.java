package org.talespark.zoo.bench;

import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Interpreter;

/**
 * A training step that SameDiff's interpreter can run too: some placeholders, one scalar loss
 * {@value #LOSS}, and the graph's variables, which are all trained.
 */
sealed interface StepCase permits TransformerCase, VqVaeCase, DenoiserCase, ClipCase {
  String INPUT = "x";
  String LOSS = "loss";

  /** A step in SameDiff's interpreter. */
  @FunctionalInterface
  interface Interpreted {
    /** Runs it: gradients of all variables by their names, new arrays. */
    Map<String, INDArray> gradients();
  }

  /** The case's name in results. */
  String name();

  /** Values for the placeholders, by their names; every call gives the same. */
  Map<String, INDArray> inputs();

  /** The graph to compile; every call gives a new one with the same parameters. */
  SameDiff graph();

  /** A step in SameDiff's interpreter, with the parameters of {@link #graph()}. */
  default Interpreted interpreted() {
    SameDiff graph = graph();
    List<String> trained = trained(graph);
    Map<String, INDArray> inputs = inputs();
    return () -> graph.calculateGradients(inputs, trained);
  }

  /** A step in the interpreter of a twin without fused operations, whose gradients are its own. */
  static Interpreted twin(SameDiff graph, Map<String, INDArray> inputs) {
    Interpreter interpreter = new Interpreter(graph, List.of(LOSS), trained(graph));
    return () -> interpreter.gradients(inputs);
  }

  /** The graph's variables. */
  static List<String> trained(SameDiff graph) {
    return graph.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.VARIABLE)
        .map(SDVariable::name)
        .toList();
  }

  /** An array uniform in [0, 1); every call gives the same. */
  static INDArray uniform(long... shape) {
    SplittableRandom random = new SplittableRandom(2);
    return filled(shape, random::nextDouble);
  }

  /** A float32 array of independent draws. */
  static INDArray filled(long[] shape, DoubleSupplier draw) {
    long length = 1;
    for (long side : shape) {
      length *= side;
    }
    float[] values = new float[Math.toIntExact(length)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) draw.getAsDouble();
    }
    return Nd4j.create(values, shape, 'c');
  }

  /** A float32 array of draws from a normal distribution around zero. */
  static INDArray normal(SplittableRandom random, double deviation, long... shape) {
    return filled(shape, () -> deviation * random.nextGaussian());
  }
}

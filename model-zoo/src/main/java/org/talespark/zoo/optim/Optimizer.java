package org.talespark.zoo.optim;

import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One update of all parameters of a flat array. Created by {@link OptimizerConfig#create}.
 *
 * <p>Updates are pure functions of parameters, gradients, rate, state and step, with the same bits
 * on every machine ({@link MuonOptimizer}'s only where peers share its work): replicas that start
 * equal stay equal. Not for several threads.
 */
public sealed interface Optimizer permits FlatOptimizer {
  /**
   * Applies one update in place. Gradients are read only; whether they are finite is the caller's
   * to know ({@link GradientClip} says so).
   *
   * @param parameters rank 1, laid out as given at creation
   * @param gradients as the parameters
   * @param learningRate finite, not negative
   */
  void update(INDArray parameters, INDArray gradients, double learningRate);

  /** Updates made so far, those before a restore included. */
  long steps();

  /**
   * The state by name, each flat like the parameters, in a fixed order: the live arrays, to be
   * written into a checkpoint between two updates and not kept.
   */
  Map<String, INDArray> state();

  /**
   * Continues from a checkpoint; later updates are bit for bit those of a run that was never
   * interrupted.
   *
   * @param steps as {@link #steps()} was
   * @param state the arrays that {@link #state()} named, which are copied
   */
  void restore(long steps, Map<String, INDArray> state);
}

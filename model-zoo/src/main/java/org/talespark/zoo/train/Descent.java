package org.talespark.zoo.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.optim.Ema;
import org.talespark.zoo.optim.GradientClip;
import org.talespark.zoo.optim.Optimizer;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;

/**
 * From the gradients of one plan to its weights: sums over the workers, clipping, update, average.
 */
public final class Descent {

  /**
   * How weights follow gradients.
   *
   * @param clipNorm largest global norm of the gradients
   * @param emaDecay of the averaged weights; null for none
   */
  public record Settings(
      OptimizerConfig optimizer, Schedule schedule, double clipNorm, Double emaDecay) {}

  private final LearnerContext context;
  private final Schedule schedule;
  private final Parameters parameters;
  private final Parameters averaged; // null for none
  private final Optimizer optimizer;
  private final GradientClip clip;
  private final Ema ema; // null for none
  private final GradientSums sums;
  private final Runnable constraint;

  /** For a plan whose weights may take any values. */
  public Descent(CompiledGraph plan, LearnerContext context, Settings settings) {
    this(plan, context, settings, () -> {});
  }

  /**
   * For a plan that is trained.
   *
   * @param constraint brings weights back to where they may be, after each update
   */
  public Descent(
      CompiledGraph plan, LearnerContext context, Settings settings, Runnable constraint) {
    this.context = context;
    this.schedule = settings.schedule();
    this.parameters = plan.parameters();
    this.optimizer =
        settings.optimizer().create(parameters.layout(), context.type(), context.reducer());
    this.clip = new GradientClip(settings.clipNorm());
    boolean averages = settings.emaDecay() != null;
    this.ema = averages ? new Ema(settings.emaDecay(), parameters.flat()) : null;
    this.averaged = averages ? new Parameters(parameters.layout(), context.type()) : null;
    this.constraint = constraint;
    this.sums = new GradientSums(context.reducer(), plan.gradients().flat());
  }

  /** Sums the plan's gradients over the workers while it runs; awaited, they are their mean. */
  public GradientSums sums() {
    return sums;
  }

  /**
   * Clips and updates.
   *
   * @param gradients over all workers, the flat array of the plan; clipped in place
   * @param losses of the step, the first one that which is descended; gets {@code gradient_norm}
   *     and {@code learning_rate}
   * @throws NonFiniteException when losses or gradients are not finite; nothing was updated
   */
  public void update(
      INDArray gradients, Batch batch, Progress progress, Map<String, Double> losses) {
    double norm = clip.clip(gradients);
    double loss = losses.values().iterator().next();
    if (!Double.isFinite(norm + loss)) {
      throw new NonFiniteException(
          progress.step(), context.reducer().worker(), batch.keys(), losses);
    }
    double rate = schedule.factor(progress.step(), progress.done()) * context.learningRate();
    optimizer.update(parameters.flat(), gradients, rate);
    constraint.run();
    if (ema != null && !context.reducer().apart()) {
      ema.update(parameters.flat());
    }
    losses.put("gradient_norm", norm);
    losses.put("learning_rate", rate);
  }

  /** Where {@link #average} puts the averaged weights, for plans that evaluate; null for none. */
  public Parameters averaged() {
    return averaged;
  }

  /** Brings {@link #averaged} up to date. */
  public void average() {
    averaged.flat().assign(ema.average());
  }

  Map<String, INDArray> model() {
    return parameters.views();
  }

  Map<String, INDArray> ema() {
    return ema == null ? Map.of() : Parameters.views(parameters.layout(), ema.average());
  }

  Map<String, INDArray> state() {
    return optimizer.state();
  }

  Map<String, Long> counters() {
    Map<String, Long> counters = new LinkedHashMap<>();
    counters.put("optimizer", optimizer.steps());
    if (ema != null) {
      counters.put("ema", ema.updates());
    }
    return counters;
  }

  void restored(Map<String, Long> counters) {
    optimizer.restore(counters.get("optimizer"), optimizer.state());
    if (ema != null) {
      ema.restore(counters.get("ema"), ema.average());
    }
  }

  List<INDArray> parameters() {
    return List.of(parameters.flat());
  }

  void merged(int steps) {
    constraint.run();
    if (ema != null && context.reducer().apart()) {
      ema.update(parameters.flat(), steps);
    }
  }
}

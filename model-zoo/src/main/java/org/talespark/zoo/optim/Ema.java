package org.talespark.zoo.optim;

import java.lang.ref.Reference;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The exponential moving average of parameters, for sampling and evaluation:
 *
 * <pre>
 *   d = min(decay, (1 + t) / (10 + t))     t updates were made before this one
 *   average = d average + (1 - d) parameters
 * </pre>
 *
 * so that the average leaves the initial parameters behind quickly and then grows slow. Not for
 * several threads.
 */
public final class Ema {
  private final double decay;
  private final INDArray average;
  private final FlatArray flatAverage;
  private final Blend blend;
  private FlatArray bound;
  private long updates;

  /**
   * Starts at the given parameters, which are copied.
   *
   * @param decay from 0 (the average is the last parameters) to below 1
   * @param parameters flat, FLOAT or DOUBLE
   */
  public Ema(double decay, INDArray parameters) {
    Checks.fraction("ema_decay", decay);
    FlatArray.of("parameters", parameters);
    this.decay = decay;
    this.average = parameters.dup('c');
    this.flatAverage = FlatArray.of("average", average);
    this.blend = new Blend(average.dataType());
  }

  /** Takes the parameters of one more step into the average. */
  public void update(INDArray parameters) {
    update(parameters, 1);
  }

  /**
   * Takes parameters in as if they had been those of several steps.
   *
   * @param steps 1 or more
   */
  public void update(INDArray parameters, int steps) {
    bound =
        FlatArray.rebind(bound, "parameters", parameters, flatAverage.type(), flatAverage.length());
    double d = 1;
    for (int i = 0; i < steps; i++) {
      d *= decayAt(updates + i);
    }
    try {
      blend.run(Blend.Mode.APPROACH, flatAverage, bound, 1 - d);
    } finally {
      Reference.reachabilityFence(this);
    }
    updates += steps;
  }

  /** The decay of the update that follows this many. */
  double decayAt(long made) {
    return Math.min(decay, (1.0 + made) / (10.0 + made));
  }

  /** The live average, flat like the parameters. */
  public INDArray average() {
    return average;
  }

  /** Updates made so far, those before a restore included. */
  public long updates() {
    return updates;
  }

  /** Continues from a checkpoint; the array is copied. */
  public void restore(long newUpdates, INDArray saved) {
    if (newUpdates < 0) {
      throw new IllegalArgumentException(
          "Cannot restore average: updates=%d, expected 0 or more".formatted(newUpdates));
    }
    FlatArray.rebind(null, "average", saved, flatAverage.type(), flatAverage.length());
    average.assign(saved);
    updates = newUpdates;
  }
}

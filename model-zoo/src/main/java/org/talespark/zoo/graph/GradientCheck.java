package org.talespark.zoo.graph;

import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Compares gradients with central differences, in double.
 *
 * <p>The loss must be a smooth function near the point: keep values away from kinks of absolute
 * values, ReLU and ties of argmin.
 */
public final class GradientCheck {
  private static final double STEP = 1e-5;

  /** The worst relative error over the checked elements, and where it was. */
  public record Result(double worst, String where) {}

  private GradientCheck() {}

  /**
   * Checks every parameter and every input with a gradient.
   *
   * @param plan a plan of type double whose inputs are set
   * @param loss the scalar output that the gradients are of
   * @param inputs inputs to check, by name
   * @param perArray at most this many elements of each array, evenly spread
   */
  public static Result check(
      CompiledGraph plan, String loss, Iterable<String> inputs, int perArray) {
    Result result = new Result(0, "nothing");
    for (Map.Entry<String, INDArray> e : plan.parameters().views().entrySet()) {
      plan.run();
      INDArray analytic = plan.gradients().view(e.getKey()).dup();
      result = worse(result, check(plan, loss, e.getKey(), e.getValue(), analytic, perArray));
    }
    for (String name : inputs) {
      plan.run();
      INDArray analytic = plan.gradientOf(name).dup();
      result = worse(result, check(plan, loss, name, plan.input(name), analytic, perArray));
    }
    return result;
  }

  private static Result check(
      CompiledGraph plan,
      String loss,
      String name,
      INDArray values,
      INDArray analytic,
      int perArray) {
    if (values.dataType() != DataType.DOUBLE) {
      throw new IllegalArgumentException(
          "Cannot check gradient: %s has type %s, expected DOUBLE"
              .formatted(name, values.dataType()));
    }
    INDArray flatValues = values.reshape(values.length());
    INDArray flatAnalytic = analytic.reshape(analytic.length());
    Result worst = new Result(0, name);
    long stride = Math.max(1, values.length() / perArray);
    for (long i = 0; i < values.length(); i += stride) {
      double value = flatValues.getDouble(i);
      flatValues.putScalar(i, value + STEP);
      plan.run();
      double up = plan.output(loss).getDouble(0);
      flatValues.putScalar(i, value - STEP);
      plan.run();
      double down = plan.output(loss).getDouble(0);
      flatValues.putScalar(i, value);
      double numeric = (up - down) / (2 * STEP);
      double exact = flatAnalytic.getDouble(i);
      double scale = Math.max(1e-3, Math.abs(numeric) + Math.abs(exact));
      double error = Math.abs(numeric - exact) / scale;
      worst =
          worse(
              worst,
              new Result(error, "%s[%d]: %g, numerically %g".formatted(name, i, exact, numeric)));
    }
    return worst;
  }

  private static Result worse(Result a, Result b) {
    return b.worst() > a.worst() || Double.isNaN(b.worst()) ? b : a;
  }
}

package org.talespark.zoo.optim;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.ParameterLayout;

/** Adam, with or without weight decay: {@link AdamRule} for all parameters. */
final class AdamOptimizer extends FlatOptimizer {
  /** Names of the means and of the means of squares. */
  static final List<String> STATE = List.of("exp_avg", "exp_avg_sq");

  private final AdamRule rule;

  AdamOptimizer(ParameterLayout layout, DataType type, AdamRule rule) {
    super(layout, type, STATE);
    this.rule = rule;
  }

  @Override
  void prepare(long step, double learningRate) {
    rule.prepare(step, learningRate);
  }

  @Override
  void apply(float[][] blocks, int from, int to, Group group) {
    rule.apply(blocks, from, to, group);
  }

  @Override
  void apply(double[][] blocks, int from, int to, Group group) {
    rule.apply(blocks, from, to, group);
  }
}

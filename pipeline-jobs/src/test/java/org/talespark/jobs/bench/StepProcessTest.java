package org.talespark.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.talespark.zoo.bench.StepBench;
import org.talespark.zoo.bench.StepResult;

class StepProcessTest {

  @Test
  void aFreshProcessAnswersWithItsResult() throws Exception {
    StepResult result =
        new StepProcess(new StepBench.Settings(1, 0, 2), List.of("transformer_block")).measure();
    assertThat(result.threads()).isEqualTo(2);
    assertThat(result.cases()).singleElement().satisfies(StepProcessTest::isRight);
  }

  private static void isRight(StepResult.Case found) {
    assertThat(found.name()).isEqualTo("transformer_block");
    assertThat(found.ratio()).isPositive();
    assertThat(found.maxGradientDifference()).isZero();
    assertThat(found.planBytes()).isLessThan((long) (0.65 * found.sumOfArraysBytes()));
  }
}

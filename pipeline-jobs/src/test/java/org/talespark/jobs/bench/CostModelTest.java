package org.talespark.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.talespark.jobs.bench.CostModel.Method;
import org.talespark.jobs.bench.CostModel.Point;

class CostModelTest {
  private static final CostModel TRUE = new CostModel(50e-6, 0.7e-9, 0.4e-9);

  private static List<Point> points(CostModel model, double noise) {
    Random random = new Random(1);
    List<Point> points = new ArrayList<>();
    for (long bytes : new long[] {4_000, 4_000_000, 40_000_000, 400_000_000}) {
      for (Method method : Method.values()) {
        Point exact = new Point(method, 2, bytes, 1);
        boolean sensible = method == Method.TREE ? bytes < 1e6 : bytes > 1e6;
        if (sensible) {
          double factor = 1 + noise * (2 * random.nextDouble() - 1);
          points.add(new Point(method, 2, bytes, model.seconds(exact) * factor));
        }
      }
    }
    return points;
  }

  @Test
  void theCostsBehindExactPointsAreFound() {
    List<Point> points = points(TRUE, 0);
    CostModel fit = CostModel.fit(points);
    assertThat(fit.latency()).isCloseTo(TRUE.latency(), Percentage.withPercentage(1e-6));
    assertThat(fit.move()).isCloseTo(TRUE.move(), Percentage.withPercentage(1e-6));
    assertThat(fit.sum()).isCloseTo(TRUE.sum(), Percentage.withPercentage(1e-6));
    assertThat(fit.largestError(points)).isLessThan(1e-9);
  }

  @Test
  void noiseShiftsThemALittleAndNoCostIsNegative() {
    CostModel fit = CostModel.fit(points(TRUE, 0.1));
    assertThat(fit.latency()).isCloseTo(TRUE.latency(), Percentage.withPercentage(12));
    assertThat(fit.move()).isCloseTo(TRUE.move(), Percentage.withPercentage(12));
    List<Point> odd = new ArrayList<>(points(new CostModel(50e-6, 0.7e-9, 0), 0));
    odd.add(new Point(Method.SWAP, 2, 40_000_000, 0.056)); // slower than the sum
    CostModel bounded = CostModel.fit(odd);
    assertThat(bounded.sum()).isZero();
    assertThat(bounded.move()).isPositive();
  }

  @Test
  void pointsThatTellNothingApartAreRefused() {
    List<Point> same =
        List.of(
            new Point(Method.SWAP, 2, 1000, 1),
            new Point(Method.SWAP, 2, 2000, 2),
            new Point(Method.SWAP, 2, 3000, 3));
    assertThatThrownBy(() -> CostModel.fit(same)).hasMessageContaining("apart");
    assertThatThrownBy(() -> CostModel.fit(same.subList(0, 2))).hasMessageContaining("points=2");
  }

  @Test
  void theRingMovesTwiceTheArrayWhateverTheNumberOfWorkersAndTheTreeAddsItInEveryStep() {
    CostModel moves = new CostModel(0, 1, 0);
    assertThat(moves.ring(2, 1000)).isEqualTo(1000);
    assertThat(moves.ring(1000, 1000)).isEqualTo(1998, within(1e-9));
    assertThat(moves.tree(2, 1000)).isEqualTo(1000);
    assertThat(moves.tree(1024, 1000)).isEqualTo(10_000);
    assertThat(moves.tree(1000, 1000)).isEqualTo(11_000);
    CostModel latency = new CostModel(1, 0, 0);
    assertThat(latency.ring(1000, 4)).isEqualTo(1998);
    assertThat(latency.tree(3, 4)).isEqualTo(3);
    CostModel sums = new CostModel(0, 0, 1);
    assertThat(sums.ring(4, 1000)).isEqualTo(750);
    assertThat(sums.tree(5, 1000)).isEqualTo(3000);
  }

  @Test
  void theTablesOfTheDocumentAreWhatTheModelSays() throws Exception {
    String page = Files.readString(Path.of("..", "docs", "scaling.md"));
    assertThat(page).contains(Scaling.rings(Scaling.MEASURED));
    assertThat(page).contains(Scaling.smallArrays(Scaling.MEASURED));
  }
}

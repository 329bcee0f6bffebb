package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.nn.Normal;
import org.talespark.zoo.train.InProcessWorkers;
import org.talespark.zoo.train.Reducer;

class GlobalLossTest {
  private static final int WIDTH = 5;
  private static final double LOG_SCALE = 1.3;
  private static final double BIAS = -1.7;
  private static final PairLoss SOFTMAX = new PairLoss.Softmax();
  private static final PairLoss SIGMOID = new PairLoss.Sigmoid(BIAS);

  /** Loss, gradients and hits of the whole batch, put together from the workers' shares. */
  @SuppressWarnings("ArrayRecordComponent") // compared element by element
  private record Whole(
      double loss,
      double scale,
      double bias,
      int pictureHits,
      int textHits,
      double[][] pictures,
      double[][] texts) {}

  private static double[][] rows(String name, int count) {
    return Normal.fill(11, name, 0.8, new long[] {count, WIDTH}, DataType.DOUBLE).toDoubleMatrix();
  }

  /** Workers with so many pairs each, at most {@code capacity}; the rest of their rows is junk. */
  private static Whole compute(
      PairLoss loss, DataType type, int capacity, int[] counts, double[][] x, double[][] t)
      throws Exception {
    double[][] pictures = new double[x.length][];
    double[][] texts = new double[x.length][];
    List<GlobalLoss.Share> shares =
        new InProcessWorkers(counts.length)
            .run(
                reducer -> {
                  int first = Arrays.stream(counts, 0, reducer.rank()).sum();
                  int count = counts[reducer.rank()];
                  try (GlobalLoss global = new GlobalLoss(loss, reducer, type, capacity, WIDTH)) {
                    GlobalLoss.Share share = null;
                    for (int step = 0; step < 2; step++) { // nothing of a step is left in the next
                      double scale = Math.exp(step == 0 ? 2 : LOG_SCALE);
                      INDArray images = padded(step == 0 ? t : x, first, count, capacity, type);
                      INDArray captions = padded(t, first, count, capacity, type);
                      share = global.compute(images, captions, count, scale, BIAS);
                    }
                    INDArray into = Nd4j.zeros(type, capacity, WIDTH);
                    global.pictureGradients(1, into);
                    copy(into, pictures, first, count);
                    global.textGradients(1, into);
                    copy(into, texts, first, count);
                    for (int b = count; b < capacity; b++) {
                      assertThat(into.getRow(b).amaxNumber().doubleValue()).isZero();
                    }
                    return share;
                  }
                });
    assertThat(shares).allMatch(share -> share.pairs() == x.length);
    return new Whole(
        shares.stream().mapToDouble(GlobalLoss.Share::loss).sum(),
        shares.stream().mapToDouble(GlobalLoss.Share::scale).sum(),
        shares.stream().mapToDouble(GlobalLoss.Share::bias).sum(),
        shares.stream().mapToInt(GlobalLoss.Share::pictureHits).sum(),
        shares.stream().mapToInt(GlobalLoss.Share::textHits).sum(),
        pictures,
        texts);
  }

  private static INDArray padded(
      double[][] rows, int first, int count, int capacity, DataType type) {
    double[][] all = new double[capacity][WIDTH];
    for (int b = 0; b < capacity; b++) {
      Arrays.fill(all[b], Double.NaN);
      if (b < count) {
        all[b] = rows[first + b];
      }
    }
    return Nd4j.createFromArray(all).castTo(type);
  }

  private static void copy(INDArray from, double[][] into, int first, int count) {
    for (int b = 0; b < count; b++) {
      into[first + b] = from.getRow(b).toDoubleVector();
    }
  }

  // --- one worker

  private static List<PairLoss> losses() {
    return List.of(SOFTMAX, SIGMOID);
  }

  @ParameterizedTest
  @MethodSource("losses")
  void lossAndGradientsEqualThoseOfTheDefinition(PairLoss loss) throws Exception {
    int n = 6;
    double[][] x = rows("pictures", n);
    double[][] t = rows("texts", n);
    Whole whole = compute(loss, DataType.DOUBLE, n, new int[] {n}, x, t);
    assertThat(whole.loss())
        .isCloseTo(ReferenceLoss.of(loss, x, t, LOG_SCALE, BIAS), Offset.offset(1e-13));
    double h = 1e-6;
    for (int i = 0; i < n; i++) {
      for (int p = 0; p < WIDTH; p++) {
        assertThat(whole.pictures()[i][p]).isCloseTo(slope(loss, x, t, x, i, p), near());
        assertThat(whole.texts()[i][p]).isCloseTo(slope(loss, x, t, t, i, p), near());
      }
    }
    assertThat(whole.scale())
        .isCloseTo(
            (ReferenceLoss.of(loss, x, t, LOG_SCALE + h, BIAS)
                    - ReferenceLoss.of(loss, x, t, LOG_SCALE - h, BIAS))
                / (2 * h),
            near());
    if (loss instanceof PairLoss.Sigmoid) {
      assertThat(whole.bias())
          .isCloseTo(
              (ReferenceLoss.of(loss, x, t, LOG_SCALE, BIAS + h)
                      - ReferenceLoss.of(loss, x, t, LOG_SCALE, BIAS - h))
                  / (2 * h),
              near());
    }
  }

  private static Offset<Double> near() {
    return Offset.offset(2e-9);
  }

  /** The central difference of the reference at one element of {@code of}, which is x or t. */
  private static double slope(
      PairLoss loss, double[][] x, double[][] t, double[][] of, int i, int p) {
    double h = 1e-6;
    double before = of[i][p];
    of[i][p] = before + h;
    double above = ReferenceLoss.of(loss, x, t, LOG_SCALE, BIAS);
    of[i][p] = before - h;
    double below = ReferenceLoss.of(loss, x, t, LOG_SCALE, BIAS);
    of[i][p] = before;
    return (above - below) / (2 * h);
  }

  @ParameterizedTest
  @MethodSource("losses")
  void moreRowsThanABlockChangeNothing(PairLoss loss) throws Exception {
    int n = 150; // two blocks and a part of one
    double[][] x = rows("pictures", n);
    double[][] t = rows("texts", n);
    Whole whole = compute(loss, DataType.DOUBLE, n, new int[] {n}, x, t);
    assertThat(whole.loss())
        .isCloseTo(ReferenceLoss.of(loss, x, t, LOG_SCALE, BIAS), Offset.offset(1e-11));
    for (int i : new int[] {0, 63, 64, 127, 128, 149}) {
      assertThat(whole.pictures()[i][2]).isCloseTo(slope(loss, x, t, x, i, 2), Offset.offset(1e-6));
      assertThat(whole.texts()[i][2]).isCloseTo(slope(loss, x, t, t, i, 2), Offset.offset(1e-6));
    }
  }

  @ParameterizedTest
  @MethodSource("losses")
  void swappedModalitiesLeaveTheLossUnchanged(PairLoss loss) throws Exception {
    double[][] x = rows("pictures", 7);
    double[][] t = rows("texts", 7);
    Whole one = compute(loss, DataType.DOUBLE, 7, new int[] {7}, x, t);
    Whole other = compute(loss, DataType.DOUBLE, 7, new int[] {7}, t, x);
    assertThat(other.loss()).isCloseTo(one.loss(), Offset.offset(1e-14));
    assertThat(other.pictureHits()).isEqualTo(one.textHits());
    for (int i = 0; i < 7; i++) {
      assertThat(other.texts()[i]).containsExactly(one.pictures()[i], Offset.offset(1e-15));
    }
  }

  @Test
  void hitsAreThoseWhoseOwnIsTheMostSimilar() throws Exception {
    double[][] x = {{1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}};
    double[][] t = {{1, 0, 0, 0, 0}, {0, 0, 0.5, 0, 0}, {0, 0, 1, 0, 0}};
    Whole whole = compute(SOFTMAX, DataType.DOUBLE, 3, new int[] {3}, x, t);
    assertThat(whole.pictureHits()).isEqualTo(2); // all similarities of the second are zero
    assertThat(whole.textHits()).isEqualTo(2);
  }

  @ParameterizedTest
  @MethodSource("losses")
  void extremeSimilaritiesStayFinite(PairLoss loss) throws Exception {
    double[][] x = {{90, 0, 0, 0, 0}, {-90, 0, 0, 0, 0}};
    double[][] t = {{-90, 0, 0, 0, 0}, {90, 0, 0, 0, 0}};
    Whole whole = compute(loss, DataType.DOUBLE, 2, new int[] {2}, x, t);
    assertThat(whole.loss()).isFinite().isGreaterThan(1000);
    assertThat(whole.pictures()[0][0]).isFinite().isNotZero();
  }

  // --- several workers

  private static List<Arguments> divisions() {
    return List.of(
        Arguments.of(SOFTMAX, 4, new int[] {4, 4}),
        Arguments.of(SOFTMAX, 3, new int[] {3, 3, 2}),
        Arguments.of(SOFTMAX, 5, new int[] {5, 0, 3}),
        Arguments.of(SOFTMAX, 7, new int[] {1, 7}),
        Arguments.of(SIGMOID, 4, new int[] {4, 4}),
        Arguments.of(SIGMOID, 3, new int[] {3, 3, 2}),
        Arguments.of(SIGMOID, 5, new int[] {5, 0, 3}));
  }

  @ParameterizedTest
  @MethodSource("divisions")
  void workersComputeWhatOneDoesForTheWholeBatch(PairLoss loss, int capacity, int[] counts)
      throws Exception {
    double[][] x = rows("pictures", 8);
    double[][] t = rows("texts", 8);
    Whole one = compute(loss, DataType.DOUBLE, 8, new int[] {8}, x, t);
    equal(compute(loss, DataType.DOUBLE, capacity, counts, x, t), one, 1e-14);
    equal(compute(loss, DataType.FLOAT, capacity, counts, x, t), one, 1e-6);
  }

  private static void equal(Whole several, Whole one, double tolerance) {
    Offset<Double> near = Offset.offset(tolerance);
    assertThat(several.loss()).isCloseTo(one.loss(), near);
    assertThat(several.scale()).isCloseTo(one.scale(), near);
    assertThat(several.bias()).isCloseTo(one.bias(), near);
    assertThat(several.pictureHits()).isEqualTo(one.pictureHits());
    assertThat(several.textHits()).isEqualTo(one.textHits());
    for (int i = 0; i < one.pictures().length; i++) {
      assertThat(several.pictures()[i]).containsExactly(one.pictures()[i], near);
      assertThat(several.texts()[i]).containsExactly(one.texts()[i], near);
    }
  }

  @Test
  void aBiasThatIsNoNumberIsRefused() {
    assertThatThrownBy(() -> new PairLoss.Sigmoid(Double.NaN))
        .hasMessageContaining("loss.bias=NaN");
  }

  @Test
  void aloneNothingIsExchanged() {
    Reducer alone = Reducer.ALONE;
    try (GlobalLoss global = new GlobalLoss(SOFTMAX, alone, DataType.FLOAT, 1, WIDTH)) {
      INDArray row = Nd4j.ones(DataType.FLOAT, 1, WIDTH);
      assertThat(global.compute(row, row, 1, 10, 0).loss()).isZero(); // one pair is always right
    }
  }
}

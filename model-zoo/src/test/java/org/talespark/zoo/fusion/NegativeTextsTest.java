package org.talespark.zoo.fusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.contrastive.GlobalLoss;
import org.talespark.zoo.contrastive.PairLoss;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.nn.Normal;
import org.talespark.zoo.train.InProcessWorkers;
import org.talespark.zoo.train.Reducer;

class NegativeTextsTest {
  private static final int WIDTH = 5;
  private static final int LENGTH = Fusions.LENGTH;
  private static final double SCALE = 1.7;
  private static final ClipModel.Config MODEL = Fusions.model(FusionEncoder.Direction.TEXT).clip();

  /** Captions by their only word; two of them twice. */
  private static final int[] WORDS = {5, 6, 7, 6, 8, 9, 5, 10};

  private static List<PairLoss> losses() {
    return List.of(new PairLoss.Softmax(), new PairLoss.Sigmoid(-3));
  }

  /** Texts {@code from} to {@code from + count} of these words, padded to {@code batch}. */
  private static ClipTexts.Rows texts(int[] words, int from, int count, int batch) {
    int[] ids = new int[batch * LENGTH];
    for (int b = 0; b < count; b++) {
      ids[b * LENGTH] = 2;
      ids[b * LENGTH + 1] = words[from + b];
      ids[b * LENGTH + 2] = 1;
    }
    return new ClipTexts.Rows(ids, ClipModel.ends(MODEL, ids, LENGTH), 0);
  }

  /** Embeddings of the pairs; the same word has the same. */
  private static double[][] embeddings(String kind) {
    double[][] rows = new double[WORDS.length][];
    for (int i = 0; i < rows.length; i++) {
      String name = kind.equals("texts") ? "word " + WORDS[i] : "picture " + i;
      rows[i] = Normal.fill(2, name, 0.6, new long[] {WIDTH}, DataType.DOUBLE).toDoubleVector();
    }
    return rows;
  }

  private static INDArray padded(double[][] rows, int from, int count, int batch) {
    INDArray all = Nd4j.zeros(DataType.DOUBLE, batch, WIDTH);
    for (int b = 0; b < count; b++) {
      all.getRow(b).assign(Nd4j.createFromArray(rows[from + b]));
    }
    return all;
  }

  private static long[] keys(long step, int from, int count) {
    long[] keys = new long[count];
    Arrays.setAll(keys, b -> NoiseKey.training(1, step, "pair " + (from + b)));
    return keys;
  }

  private static int word(NegativeTexts.Drawn drawn, int row) {
    int at = row * LENGTH;
    assertThat(drawn.texts().ids()[at]).isEqualTo(2);
    assertThat(drawn.texts().ids()[at + 2]).isEqualTo(1);
    assertThat(drawn.texts().ends()[row]).isEqualTo(at + 2);
    return drawn.texts().ids()[at + 1];
  }

  /** Probabilities of the negatives of a picture by word, from the definition. */
  private static Map<Integer, Double> expected(
      double[][] x, double[][] t, int picture, int number, boolean hard) {
    Map<Integer, Double> weights = new HashMap<>();
    for (int j = 0; j < WORDS.length; j++) {
      double column = 0;
      for (double[] other : x) {
        column += Math.exp(SCALE * PlainLoops.dot(other, t[j]));
      }
      double weight = hard ? Math.exp(SCALE * PlainLoops.dot(x[picture], t[j])) : 1;
      if (WORDS[j] != WORDS[picture]) { // a caption that comes twice counts once
        weights.put(WORDS[j], number == 0 || !hard ? weight : weight / column);
      }
    }
    double sum = weights.values().stream().mapToDouble(w -> w).sum();
    weights.replaceAll((word, weight) -> weight / sum);
    return weights;
  }

  private static void checkShares(
      Objectives.Negatives kind, PairLoss loss, double[][] x, double[][] t) {
    int n = WORDS.length;
    int steps = 6000;
    List<Map<Integer, Double>> found = new ArrayList<>();
    for (int i = 0; i < NegativeTexts.EACH * n; i++) {
      found.add(new HashMap<>());
    }
    ClipTexts.Rows own = texts(WORDS, 0, n, n);
    try (GlobalLoss global = new GlobalLoss(loss, Reducer.ALONE, DataType.DOUBLE, n, WIDTH)) {
      global.compute(padded(x, 0, n, n), padded(t, 0, n, n), n, SCALE, -3);
      NegativeTexts negatives = new NegativeTexts(kind, MODEL, Reducer.ALONE, n, LENGTH);
      for (int step = 0; step < steps; step++) {
        NegativeTexts.Drawn drawn = negatives.draw(own, keys(step, 0, n), global);
        assertThat(drawn.any()).isTrue();
        for (int i = 0; i < found.size(); i++) {
          found.get(i).merge(word(drawn, i), 1.0 / steps, Double::sum);
        }
      }
    }
    boolean hard = kind == Objectives.Negatives.HARD;
    for (int i = 0; i < found.size(); i++) {
      Map<Integer, Double> shares = expected(x, t, i / 2, i % 2, hard);
      assertThat(shares.keySet()).containsAll(found.get(i).keySet());
      for (Map.Entry<Integer, Double> share : shares.entrySet()) {
        assertThat(found.get(i).getOrDefault(share.getKey(), 0.0))
            .as("negative %d of picture %d: word %d", i % 2, i / 2, share.getKey())
            .isCloseTo(share.getValue(), Offset.offset(0.03));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("losses")
  void hardNegativesComeAsOftenAsTheSimilaritiesSay(PairLoss loss) {
    checkShares(Objectives.Negatives.HARD, loss, embeddings("pictures"), embeddings("texts"));
  }

  @Test
  void randomNegativesAreAnyOtherCaptionAlike() {
    checkShares(
        Objectives.Negatives.RANDOM,
        new PairLoss.Softmax(),
        embeddings("pictures"),
        embeddings("texts"));
  }

  /** The words of the negatives of all pairs, for a division of them and an order. */
  private static List<Integer> words(
      Objectives.Negatives kind, PairLoss loss, int batch, int... counts) throws Exception {
    double[][] x = embeddings("pictures");
    double[][] t = embeddings("texts");
    List<List<Integer>> parts =
        new InProcessWorkers(counts.length)
            .run(
                reducer -> {
                  int from = Arrays.stream(counts, 0, reducer.rank()).sum();
                  int n = counts[reducer.rank()];
                  List<Integer> words = new ArrayList<>();
                  try (GlobalLoss global =
                      new GlobalLoss(loss, reducer, DataType.DOUBLE, batch, WIDTH)) {
                    global.compute(
                        padded(x, from, n, batch), padded(t, from, n, batch), n, SCALE, -3);
                    NegativeTexts negatives =
                        new NegativeTexts(kind, MODEL, reducer, batch, LENGTH);
                    ClipTexts.Rows own = texts(WORDS, from, n, batch);
                    for (int step = 0; step < 20; step++) {
                      NegativeTexts.Drawn drawn = negatives.draw(own, keys(step, from, n), global);
                      List<Integer> ofStep = new ArrayList<>();
                      for (int i = 0; i < NegativeTexts.EACH * n; i++) {
                        ofStep.add(word(drawn, i));
                      }
                      words.addAll(ofStep);
                    }
                    return words;
                  }
                });
    List<Integer> all = new ArrayList<>();
    for (int step = 0; step < 20; step++) {
      for (int w = 0; w < counts.length; w++) {
        int each = NegativeTexts.EACH * counts[w];
        all.addAll(parts.get(w).subList(step * each, (step + 1) * each));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("losses")
  void noDivisionOfTheBatchChangesThem(PairLoss loss) throws Exception {
    for (Objectives.Negatives kind : Objectives.Negatives.values()) {
      List<Integer> one = words(kind, loss, 8, 8);
      assertThat(words(kind, loss, 4, 4, 4)).isEqualTo(one);
      assertThat(words(kind, loss, 3, 3, 3, 2)).isEqualTo(one);
      assertThat(words(kind, loss, 7, 1, 7)).isEqualTo(one);
      assertThat(words(kind, loss, 5, 5, 0, 3)).isEqualTo(one);
      assertThat(one).doesNotContain(0);
    }
  }

  @Test
  void captionsThatAreAllTheSameHaveNone() {
    int[] same = {7, 7, 7};
    NegativeTexts negatives =
        new NegativeTexts(Objectives.Negatives.RANDOM, MODEL, Reducer.ALONE, 4, LENGTH);
    ClipTexts.Rows own = texts(same, 0, 3, 4);
    NegativeTexts.Drawn drawn = negatives.draw(own, keys(0, 0, 3), null);
    assertThat(drawn.any()).isFalse();
    for (int i = 0; i < 6; i++) {
      assertThat(word(drawn, i)).isEqualTo(7); // something to compute on, which does not count
    }
  }
}

package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.train.InProcessWorkers;
import org.talespark.zoo.train.Reducer;

class EmaCodebookTest {
  private static final int K = 4;
  private static final int D = 3;
  private static final double DECAY = 0.9;
  private static final Offset<Double> TINY = Offset.offset(1e-12);

  private final INDArray codes = Nd4j.zeros(DataType.DOUBLE, K, D);

  private static VectorQuantizer.Config config(double deadBelow) {
    return new VectorQuantizer.Config(
        K,
        D,
        VectorQuantizer.Learning.EMA,
        VectorQuantizer.Similarity.EUCLIDEAN,
        0.25,
        DECAY,
        deadBelow);
  }

  private static INDArray vectors(long seed, int n) {
    Random random = new Random(seed);
    double[][] values = new double[n][D];
    for (double[] row : values) {
      for (int i = 0; i < D; i++) {
        row[i] = random.nextGaussian();
      }
    }
    return Nd4j.createFromArray(values);
  }

  private static INDArray indices(int... of) {
    return Nd4j.createFromArray(of);
  }

  private static EmaCodebook placed(INDArray codes, double deadBelow) {
    EmaCodebook codebook = new EmaCodebook(config(deadBelow), codes, 5, Reducer.ALONE);
    codebook.update(codebook.collect(vectors(1, 10), indices(new int[10]), 0));
    return codebook;
  }

  @Test
  void codesThatWereLoadedAreAdoptedInsteadOfReplacedByTheFirstBatch() {
    codes.assign(vectors(9, K));
    INDArray loaded = codes.dup();
    EmaCodebook codebook = new EmaCodebook(config(0.5), codes, 5, Reducer.ALONE);
    codebook.adopt();
    assertThat(codebook.dead()).isZero();
    codebook.update(codebook.collect(vectors(1, 10), indices(new int[10]), 0));
    for (int k = 1; k < K; k++) { // only code 0 had vectors assigned
      for (int i = 0; i < D; i++) {
        assertThat(codes.getDouble(k, i)).isCloseTo(loaded.getDouble(k, i), TINY);
      }
    }
  }

  @Test
  void theFirstBatchPlacesEveryCodeAtOneOfItsVectors() {
    EmaCodebook codebook = new EmaCodebook(config(0), codes, 5, Reducer.ALONE);
    assertThat(codebook.dead()).isEqualTo(K);
    INDArray z = vectors(1, 10);
    codebook.update(codebook.collect(z, indices(new int[10]), 0));
    for (int k = 0; k < K; k++) {
      double best = Double.MAX_VALUE;
      for (int n = 0; n < 10; n++) {
        best = Math.min(best, codes.getRow(k).distance2(z.getRow(n)));
      }
      assertThat(best).isZero();
    }
    assertThat(codebook.counts().toDoubleVector()).containsOnly(1.0);
    assertThat(codebook.sums()).isEqualTo(codes);
    assertThat(codebook.dead()).isZero();
  }

  @Test
  void averagesFollowTheirFormula() {
    EmaCodebook codebook = placed(codes, 0);
    double[] counts = codebook.counts().toDoubleVector();
    double[][] sums = codebook.sums().toDoubleMatrix();
    for (int step = 1; step < 6; step++) {
      INDArray z = vectors(10 + step, 7);
      int[] assigned = {0, 1, 1, 3, 0, 1, 0}; // none to code 2
      codebook.update(codebook.collect(z, indices(assigned), step));
      for (int k = 0; k < K; k++) {
        double n = 0;
        double[] sum = new double[D];
        for (int i = 0; i < assigned.length; i++) {
          if (assigned[i] == k) {
            n++;
            for (int d = 0; d < D; d++) {
              sum[d] += z.getDouble(i, d);
            }
          }
        }
        counts[k] = DECAY * counts[k] + (1 - DECAY) * n;
        assertThat(codebook.counts().getDouble(k)).isCloseTo(counts[k], TINY);
        for (int d = 0; d < D; d++) {
          sums[k][d] = DECAY * sums[k][d] + (1 - DECAY) * sum[d];
          assertThat(codebook.sums().getDouble(k, d)).isCloseTo(sums[k][d], TINY);
          assertThat(codes.getDouble(k, d)).isCloseTo(sums[k][d] / counts[k], TINY);
        }
      }
    }
    assertThat(codebook.counts().getDouble(2)).isCloseTo(Math.pow(DECAY, 5), TINY);
  }

  @Test
  void aCodeThatLeavesUseIsRevivedWithAFreshCountAndSum() {
    EmaCodebook codebook = placed(codes, 0.8);
    INDArray z = vectors(2, 7);
    int[] assigned = {0, 1, 3, 0, 1, 3, 0};
    for (int step = 1; step <= 3; step++) { // 0.9, 0.81, 0.729 for code 2
      codebook.update(codebook.collect(z, indices(assigned), step));
    }
    assertThat(codebook.dead()).isEqualTo(1);
    assertThat(codebook.counts().getDouble(2)).isCloseTo(0.729, TINY);
    INDArray fresh = vectors(3, 7);
    codebook.update(codebook.collect(fresh, indices(assigned), 4));
    assertThat(codebook.dead()).isZero();
    assertThat(codebook.counts().getDouble(2)).isEqualTo(1);
    assertThat(codebook.sums().getRow(2)).isEqualTo(codes.getRow(2));
    boolean fromTheBatch = false;
    for (int n = 0; n < 7; n++) {
      fromTheBatch |= codes.getRow(2).equals(fresh.getRow(n));
    }
    assertThat(fromTheBatch).isTrue();
  }

  /** All codes with a count of one where two is asked for. */
  private static EmaCodebook dead(Reducer reducer) {
    EmaCodebook codebook =
        new EmaCodebook(config(2), Nd4j.zeros(DataType.DOUBLE, K, D), 5, reducer);
    codebook.adopt();
    return codebook;
  }

  @Test
  void replicasThatStepApartMergeIntoTheMeanOfAllTheirVectors() {
    INDArray a = vectors(31, 6);
    INDArray b = vectors(32, 6);
    int[] ofA = {0, 1, 2, 3, 0, 1};
    int[] ofB = {3, 3, 2, 0, 0, 1};
    INDArray[] codes = new INDArray[2];
    EmaCodebook[] replicas = new EmaCodebook[2];
    for (int r = 0; r < 2; r++) {
      codes[r] = Nd4j.ones(DataType.DOUBLE, K, D);
      replicas[r] = new EmaCodebook(config(0), codes[r], 5, Reducer.apart(r, 2));
      replicas[r].adopt();
      replicas[r].update(replicas[r].collect(r == 0 ? a : b, indices(r == 0 ? ofA : ofB), 3));
    }
    merge(replicas);
    assertThat(codes[0]).isEqualTo(codes[1]);
    for (int k = 0; k < K; k++) {
      double count = DECAY;
      double sum = DECAY;
      for (int n = 0; n < 6; n++) {
        count += (1 - DECAY) / 2 * ((ofA[n] == k ? 1 : 0) + (ofB[n] == k ? 1 : 0));
        sum += (1 - DECAY) / 2 * (ofA[n] == k ? a.getDouble(n, 0) : 0);
        sum += (1 - DECAY) / 2 * (ofB[n] == k ? b.getDouble(n, 0) : 0);
      }
      assertThat(codes[0].getDouble(k, 0)).isCloseTo(sum / count, TINY);
    }
  }

  @Test
  void aCodeIsRevivedByOneReplicaAloneAndKeepsThatVectorWhenTheyMerge() {
    INDArray[] z = {vectors(41, 50), vectors(42, 50)};
    INDArray[] codes = new INDArray[2];
    EmaCodebook[] replicas = new EmaCodebook[2];
    for (int r = 0; r < 2; r++) {
      codes[r] = Nd4j.zeros(DataType.DOUBLE, K, D);
      replicas[r] = new EmaCodebook(config(0.5), codes[r], 5, Reducer.apart(r, 2));
      replicas[r].update(replicas[r].collect(z[r], indices(new int[50]), 0));
    }
    merge(replicas);
    for (int k = 1; k < K; k++) { // code 0 had all vectors assigned on the second replica
      double best = Double.MAX_VALUE;
      for (int n = 0; n < 50; n++) {
        best = Math.min(best, codes[0].getRow(k).distance2(z[k % 2].getRow(n)));
      }
      assertThat(best).isLessThan(1e-12);
    }
    assertThat(codes[0]).isEqualTo(codes[1]);
  }

  private static void merge(EmaCodebook[] replicas) {
    for (int i = 0; i < 2; i++) {
      INDArray first = replicas[0].statistics().get(i);
      INDArray second = replicas[1].statistics().get(i);
      INDArray mean = first.add(second).div(2);
      first.assign(mean);
      second.assign(mean);
    }
    for (EmaCodebook each : replicas) {
      each.merged();
    }
  }

  @Test
  void statisticsOfTwoWorkersSumToThoseOfTheJoinedBatch() {
    for (long step = 0; step < 20; step++) {
      EmaCodebook one = dead(Reducer.ALONE);
      EmaCodebook left = dead(new InProcessWorkers(2).reducer(0));
      EmaCodebook right = dead(new InProcessWorkers(2).reducer(1));
      INDArray a = vectors(100 + step, 6);
      INDArray b = vectors(200 + step, 6);
      INDArray joined =
          one.collect(Nd4j.vstack(a, b), indices(0, 1, 2, 3, 0, 1, 3, 3, 3, 0, 0, 1), step);
      INDArray sum =
          left.collect(a, indices(0, 1, 2, 3, 0, 1), step)
              .add(right.collect(b, indices(3, 3, 3, 0, 0, 1), step));
      assertThat(sum.sub(joined).amaxNumber().doubleValue()).isLessThan(1e-14);
      // the vectors that revive codes are copies, so they agree to the bit
      for (int i = K + K * D; i < K + 2 * K * D; i++) {
        assertThat(sum.getDouble(i)).isEqualTo(joined.getDouble(i)).isNotZero();
      }
    }
  }
}

package org.talespark.zoo.fusion;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.train.Reducer;

/**
 * The texts of all workers, as tokens, and a draw among them.
 *
 * <p>B texts a worker at most, W workers, M = W B places, N tokens of a text. Every worker gets all
 * tokens, [M, N], as a sum of arrays in which each has filled its own places; in doubles, which no
 * wire format rounds. They are small: what a picture's negative needs travels as tokens, and the
 * worker that has the picture runs the text tower on them itself, so that no state and no gradient
 * of a state crosses from worker to worker.
 *
 * <p>What is drawn depends on the key, the scores and the texts, but neither on their order nor on
 * the worker: to every text's score chance adds a number of its own, with the Gumbel distribution,
 * from the key and the text's tokens, and the largest sum wins. That is a draw with probabilities
 * exp(score) / sum exp(score) over the different texts (Gumbel 1954; Yellott 1977).
 */
final class GlobalTexts {
  private final Reducer reducer;
  private final int capacity; // B
  private final int places; // M
  private final int length; // N
  private final INDArray shared; // [M N]: tokens plus one, so that zero means none
  private final int[] ids; // [M N]
  private final long[] hashes; // [M]
  private final boolean[] taken; // [M]

  /** For batches of at most B texts a worker. */
  GlobalTexts(Reducer reducer, int capacity, int length) {
    this.reducer = reducer;
    this.capacity = capacity;
    this.length = length;
    this.places = Math.multiplyExact(capacity, reducer.workers());
    this.shared = Nd4j.zeros(DataType.DOUBLE, (long) places * length);
    this.ids = new int[Math.multiplyExact(places, length)];
    this.hashes = new long[places];
    this.taken = new boolean[places];
  }

  /**
   * Takes the texts of this worker and, from all others, who call this at the same time, theirs.
   *
   * @param own tokens [B*N]
   * @param count how many of the rows are texts, from the first
   */
  void gather(int[] own, int count) {
    double[] values = new double[ids.length];
    int first = place(0) * length;
    for (int i = 0; i < count * length; i++) {
      values[first + i] = own[i] + 1.0;
    }
    shared.assign(Nd4j.createFromArray(values));
    reducer.sum(shared);
    double[] all = shared.toDoubleVector();
    for (int i = 0; i < all.length; i++) {
      ids[i] = (int) all[i] - 1;
    }
    for (int m = 0; m < places; m++) {
      taken[m] = ids[m * length] >= 0;
      hashes[m] = hash(m);
    }
  }

  /** The tokens of a place, folded into one number. */
  private long hash(int place) {
    long hash = length;
    for (int i = place * length; i < (place + 1) * length; i++) {
      hash = NoiseKey.at(hash, ids[i]);
    }
    return hash;
  }

  /** The place of one of this worker's texts. */
  private int place(int text) {
    return reducer.rank() * capacity + text;
  }

  /** Whether there are two different texts, so that none is without a negative. */
  boolean different() {
    int first = -1;
    for (int m = 0; m < places; m++) {
      if (taken[m]) {
        first = first < 0 ? m : first;
        if (!same(first, m)) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean same(int a, int b) {
    return Arrays.equals(ids, a * length, (a + 1) * length, ids, b * length, (b + 1) * length);
  }

  /**
   * Draws a text with other tokens than one of this worker's.
   *
   * @param text this worker's, from 0 to B - 1
   * @param key of the draw
   * @param score the logarithm of a text's chances by its place, up to a constant
   * @return the text's place, or -1 where all are the same
   */
  int draw(int text, long key, IntToDoubleFunction score) {
    int own = place(text);
    int best = -1;
    double most = Double.NEGATIVE_INFINITY;
    for (int m = 0; m < places; m++) {
      if (taken[m] && !same(own, m)) {
        double sum = score.applyAsDouble(m) + gumbel(NoiseKey.at(key, hashes[m]));
        if (best < 0 || sum > most) {
          best = m;
          most = sum;
        }
      }
    }
    return best;
  }

  /** -log(-log(u)) for a u in (0, 1) from 53 bits. */
  private static double gumbel(long bits) {
    double uniform = ((bits >>> 11) + 0.5) * 0x1p-53;
    return -StrictMath.log(-StrictMath.log(uniform));
  }

  /** Copies the tokens of a place. */
  void copy(int place, int[] into, int at) {
    System.arraycopy(ids, place * length, into, at, length);
  }
}

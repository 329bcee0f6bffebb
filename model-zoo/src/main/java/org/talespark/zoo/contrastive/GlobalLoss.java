package org.talespark.zoo.contrastive;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.zoo.train.Reducer;

/**
 * The loss over the pairs of all workers, and its gradient with respect to one worker's embeddings.
 *
 * <p>B pairs a worker at most, N workers, M = N B places, G pairs of all workers together, P width
 * of an embedding, R rows of a block.
 *
 * <p>Every worker gets the embeddings of all, [M, P], as a sum of arrays in which each has filled
 * its own places. Of the matrix z of similarities it then needs the rows of its own pictures and
 * texts alone, and their gradients are complete:
 *
 * <pre>
 *   dL/dx_i = s sum_j D_ij t_j     dL/dt_j = s sum_i D_ij x_i     D_ij = dL/dz_ij
 *   softmax   D_ij = (exp(z_ij - a_i) + exp(z_ij - c_j) - 2 [i = j]) / (2G)
 *   sigmoid   D_ij = -y_ij sigmoid(-y_ij z_ij) / G
 * </pre>
 *
 * The softmax also needs a_i = log sum_j exp(z_ij) and c_j = log sum_i exp(z_ij) of the other
 * workers' rows, which are exchanged the same way, one number a row.
 *
 * <p>Rows are taken R at a time, and their similarities are computed again for the gradients, so
 * that memory grows with M P + M R: linearly in B.
 */
public final class GlobalLoss implements AutoCloseable {
  private static final int MOST_ROWS = 64;

  /**
   * One worker's share. Added up over the workers, shares are the loss and the gradients of its
   * parameters.
   *
   * @param scale the gradient with respect to {@code logit_scale}, the logarithm of s
   * @param bias the gradient with respect to b
   * @param pictureHits how many of this worker's pictures are most similar to their own text
   * @param textHits how many of its texts are most similar to their own picture
   * @param pairs G, of all workers
   */
  public record Share(
      double loss, double scale, double bias, int pictureHits, int textHits, int pairs) {}

  /** What is done with the logits of one of this worker's pictures. */
  @FunctionalInterface
  public interface PictureLogits {
    /**
     * Takes a row.
     *
     * @param picture its number among this worker's
     * @param logits s x_i t_m for the texts at all M places, where there is one; used again for the
     *     next picture
     */
    void take(int picture, double[] logits);
  }

  private final PairLoss loss;
  private final Reducer reducer;
  private final int capacity; // B
  private final int places; // M
  private final int width; // P
  private final INDArray shared; // [2 M P + M]: pictures, texts, 1 where there is a pair
  private final INDArray sharedLogSums; // [2 M]: a, c
  private final double[] logSums; // the same
  private final double[] flags; // [M]
  private final boolean[] taken; // [M]
  private final Side pictures;
  private final Side texts;

  private double scale; // s
  private double bias; // b
  private int pairs; // G

  /**
   * For batches of at most B pairs a worker.
   *
   * @param type of the embeddings
   */
  public GlobalLoss(PairLoss loss, Reducer reducer, DataType type, int capacity, int width) {
    this.loss = loss;
    this.reducer = reducer;
    this.capacity = capacity;
    this.width = width;
    this.places = Math.multiplyExact(capacity, reducer.workers());
    this.shared = Nd4j.zeros(type, (2L * width + 1) * places);
    this.sharedLogSums = Nd4j.zeros(DataType.DOUBLE, 2L * places);
    this.logSums = new double[2 * places];
    this.flags = new double[places];
    this.taken = new boolean[places];
    this.pictures = new Side(0);
    this.texts = new Side(1);
  }

  private INDArray part(long from, long length) {
    return shared.get(NDArrayIndex.interval(from, from + length));
  }

  /**
   * Computes the loss with all other workers, who call this at the same time.
   *
   * @param images this worker's, [B, P]
   * @param captions this worker's, [B, P]
   * @param count how many of the rows are pairs, from the first
   * @param newScale s, the same on every worker
   * @param newBias b, the same on every worker; without meaning for the softmax
   */
  public Share compute(
      INDArray images, INDArray captions, int count, double newScale, double newBias) {
    scale = newScale;
    bias = loss instanceof PairLoss.Sigmoid ? newBias : 0;
    gather(images, captions, count);
    if (loss instanceof PairLoss.Softmax) {
      sumExponentials(count);
    }
    pictures.differentiate(count);
    texts.differentiate(count);
    boolean both = loss instanceof PairLoss.Softmax; // for the sigmoid a row has the whole loss
    return new Share(
        pictures.share + (both ? texts.share : 0),
        pictures.ofScale,
        pictures.ofBias,
        pictures.hits,
        texts.hits,
        pairs);
  }

  private void sumExponentials(int count) {
    Arrays.fill(logSums, 0);
    pictures.sumExponentials(count);
    texts.sumExponentials(count);
    Elements.write(logSums, 1, sharedLogSums);
    reducer.sum(sharedLogSums);
    Elements.read(sharedLogSums, logSums);
  }

  /**
   * c_j = log sum_i exp(s x_i t_j) for the texts at all M places, where there is one, of the batch
   * that was computed last; all workers call this at the same time.
   *
   * @param count as it was then
   */
  public double[] textLogSums(int count) {
    if (loss instanceof PairLoss.Sigmoid) {
      sumExponentials(count);
    }
    return Arrays.copyOfRange(logSums, places, 2 * places);
  }

  /**
   * The logits, without b, of the batch that was computed last.
   *
   * @param count as it was then
   */
  public void pictureLogits(int count, PictureLogits action) {
    double[] row = new double[places];
    for (int from = 0; from < count; from += pictures.similarities.rows()) {
      int n = pictures.multiply(from, count);
      for (int r = 0; r < n; r++) {
        for (int m = 0; m < places; m++) {
          row[m] = scale * pictures.products[r * places + m];
        }
        action.take(from + r, row);
      }
    }
  }

  private void gather(INDArray images, INDArray captions, int count) {
    shared.assign(0);
    INDArray allFlags = part(2L * width * places, places);
    if (count > 0) {
      pictures.take(images, count);
      texts.take(captions, count);
      long first = (long) reducer.rank() * capacity;
      allFlags.get(NDArrayIndex.interval(first, first + count)).assign(1);
    }
    reducer.sum(shared);
    Elements.read(allFlags, flags);
    pairs = 0;
    for (int m = 0; m < places; m++) {
      taken[m] = flags[m] > 0;
      pairs += taken[m] ? 1 : 0;
    }
    Elements.read(pictures.own, pictures.rows);
    Elements.read(texts.own, texts.rows);
  }

  /** Writes {@code factor} times the gradient of this worker's picture embeddings, [B, P]. */
  void pictureGradients(double factor, INDArray into) {
    Elements.write(pictures.gradients, factor, into);
  }

  /** Writes {@code factor} times the gradient of this worker's text embeddings, [B, P]. */
  void textGradients(double factor, INDArray into) {
    Elements.write(texts.gradients, factor, into);
  }

  /** Pictures or texts: this worker's rows of one kind against all rows of the other. */
  private final class Side {
    private final int first; // the first of this worker's rows among the places
    private final int sums; // where the sums of this kind begin
    private final int otherSums;
    private final INDArray own; // [B P], a part of the shared array
    private final Similarities similarities;
    private final double[] rows = new double[capacity * width]; // [B, P]
    private final double[] gradients = new double[capacity * width]; // [B, P]
    private final double[] queries; // [R, P]
    private final double[] products; // [R, M]
    private final double[] pulls; // [R, P]
    private double share; // of the loss
    private double ofScale;
    private double ofBias;
    private int hits;

    Side(int kind) {
      this.first = reducer.rank() * capacity;
      this.sums = kind * places;
      this.otherSums = (1 - kind) * places;
      long each = (long) places * width;
      this.own = part(kind * each + (long) first * width, (long) capacity * width);
      int blockRows = Math.min(capacity, MOST_ROWS);
      INDArray keys = part((1 - kind) * each, each).reshape('c', places, width);
      this.similarities = new Similarities(blockRows, keys);
      this.queries = new double[blockRows * width];
      this.products = new double[Math.multiplyExact(blockRows, places)];
      this.pulls = new double[blockRows * width];
    }

    /** Puts this worker's rows into its places. */
    void take(INDArray embeddings, int count) {
      INDArrayIndex range = NDArrayIndex.interval(0, (long) count * width);
      own.get(range).assign(embeddings.reshape(embeddings.length()).get(range));
    }

    void sumExponentials(int count) {
      for (int from = 0; from < count; from += similarities.rows()) {
        int n = multiply(from, count);
        for (int r = 0; r < n; r++) {
          logSums[sums + first + from + r] = logSum(r * places);
        }
      }
    }

    /** Similarities of a block of rows; returns how many there are. */
    private int multiply(int from, int count) {
      int n = Math.min(similarities.rows(), count - from);
      System.arraycopy(rows, from * width, queries, 0, n * width);
      similarities.products(queries, products);
      return n;
    }

    private double logSum(int at) {
      double most = Double.NEGATIVE_INFINITY;
      for (int m = 0; m < places; m++) {
        most = taken[m] ? Math.max(most, scale * products[at + m]) : most;
      }
      double sum = 0;
      for (int m = 0; m < places; m++) {
        sum += taken[m] ? Math.exp(scale * products[at + m] - most) : 0;
      }
      return most + Math.log(sum);
    }

    void differentiate(int count) {
      share = 0;
      ofScale = 0;
      ofBias = 0;
      hits = 0;
      Arrays.fill(gradients, count * width, gradients.length, 0);
      for (int from = 0; from < count; from += similarities.rows()) {
        int n = multiply(from, count);
        for (int r = 0; r < n; r++) {
          differentiateRow(r * places, first + from + r);
        }
        similarities.pulls(products, pulls);
        System.arraycopy(pulls, 0, gradients, from * width, n * width);
      }
    }

    /**
     * Turns a row of similarities into s D.
     *
     * @param at where the row begins among the products
     * @param place its own, where its pair is too
     */
    private void differentiateRow(int at, int place) {
      boolean hit = true;
      double own = products[at + place];
      for (int m = 0; m < places; m++) {
        if (!taken[m]) {
          products[at + m] = 0;
          continue;
        }
        boolean pair = m == place;
        hit &= pair || products[at + m] < own;
        double similarity = scale * products[at + m];
        double slope =
            loss instanceof PairLoss.Softmax
                ? ofSoftmax(similarity, place, m)
                : ofSigmoid(similarity + bias, pair);
        ofScale += slope * similarity;
        ofBias += slope;
        products[at + m] = scale * slope;
      }
      hits += hit ? 1 : 0;
    }

    private double ofSoftmax(double z, int place, int m) {
      double ownSum = logSums[sums + place];
      double both = Math.exp(z - ownSum) + Math.exp(z - logSums[otherSums + m]);
      if (m == place) {
        share += (ownSum - z) / (2.0 * pairs);
        both -= 2;
      }
      return both / (2.0 * pairs);
    }

    private double ofSigmoid(double z, boolean pair) {
      double against = pair ? -z : z; // log(1 + exp(-y z)) is the loss
      double small = Math.exp(-Math.abs(against));
      share += (Math.max(against, 0) + Math.log1p(small)) / pairs;
      double probability = against > 0 ? 1 / (1 + small) : small / (1 + small);
      return (pair ? -probability : probability) / pairs;
    }
  }

  @Override
  public void close() {
    pictures.similarities.close();
    texts.similarities.close();
  }
}

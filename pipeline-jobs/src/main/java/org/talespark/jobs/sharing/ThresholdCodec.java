package org.talespark.jobs.sharing;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Turns updates into messages of few elements and keeps what they leave out.
 *
 * <p>With update u, residual r and threshold t, every element of v = u + r that is at least t away
 * from 0 is sent as t with v's sign; the new residual is v minus what was sent. Message and
 * residual together are v exactly (see {@link AdaptiveThreshold}), so that nothing is lost: it is
 * sent later. Only a residual that is cut (see {@link SharingConfig#residualClip}) loses something,
 * on purpose, for old updates harm.
 */
final class ThresholdCodec implements AutoCloseable {
  private final SharingConfig config;
  private final int length;
  private final INDArray residual;
  private final AdaptiveThreshold threshold;
  private final int[] indexes;
  private final float[] block = new float[FloatBlocks.BLOCK];
  private final float[] kept = new float[FloatBlocks.BLOCK];

  private long updates;

  // of the update that is being encoded
  private int count;
  private int[] bitmap;

  ThresholdCodec(SharingConfig config, long length) {
    if (length < 1 || length > FloatBlocks.MOST_ELEMENTS) {
      throw new IllegalArgumentException(
          "Cannot share updates: elements=%d, expected 1 to %d"
              .formatted(length, FloatBlocks.MOST_ELEMENTS));
    }
    this.config = config;
    this.length = (int) length;
    this.residual = Nd4j.zeros(DataType.FLOAT, length);
    this.threshold = new AdaptiveThreshold(config);
    this.indexes = new int[this.length / EncodedUpdate.ELEMENTS_AN_INT];
  }

  /**
   * Takes an update in.
   *
   * @param update FLOAT, rank 1, without gaps; stays as it is
   * @throws IllegalStateException when an element is not finite; the residual is then undefined
   */
  EncodedUpdate encode(INDArray update) {
    FloatBlocks in = FloatBlocks.of("update", update, length);
    FloatBlocks rest = FloatBlocks.of("residual", residual, length);
    float t = threshold.value();
    boolean cut = config.residualClip() > 0 && updates > 0 && updates % config.clipEvery() == 0;
    float most = cut ? (float) (config.residualClip() * t) : 0;
    count = 0;
    bitmap = null;
    for (int offset = 0; offset >= 0 && offset < length; offset += FloatBlocks.BLOCK) {
      int elements = in.blockLength(offset);
      in.read(offset, block, elements);
      rest.read(offset, kept, elements);
      for (int i = 0; i < elements; i++) {
        kept[i] += block[i]; // vectorised, apart from the rare branch below
      }
      for (int i = 0; i < elements; i++) {
        if (!(Math.abs(kept[i]) < t)) { // so that NaN enters, too
          kept[i] = send(offset + i, kept[i], t);
        }
      }
      for (int i = 0; cut && i < elements; i++) {
        kept[i] = Math.max(-most, Math.min(most, kept[i]));
      }
      rest.write(offset, kept, elements);
    }
    updates++;
    threshold.sent((double) count / length);
    boolean dense = bitmap != null;
    return new EncodedUpdate(
        dense, t, length, count, dense ? bitmap : Arrays.copyOf(indexes, count));
  }

  /** Puts an element into the message and returns what is left of it. */
  private float send(int index, float value, float t) {
    if (!Float.isFinite(value)) {
      throw new IllegalStateException(
          "Cannot share update: element %d is %s, expected a finite number; try a lower learning rate"
              .formatted(index, value));
    }
    boolean plus = value > 0;
    if (bitmap == null && count == indexes.length) {
      bitmap = new int[EncodedUpdate.bitmapInts(length)];
      for (int code : indexes) {
        mark(Math.abs(code) - 1, code > 0);
      }
    }
    if (bitmap == null) {
      indexes[count] = plus ? index + 1 : -index - 1;
    } else {
      mark(index, plus);
    }
    count++;
    return plus ? value - t : value + t;
  }

  private void mark(int index, boolean plus) {
    int shift = 2 * (index % EncodedUpdate.ELEMENTS_AN_INT);
    int code = plus ? EncodedUpdate.PLUS : EncodedUpdate.MINUS;
    bitmap[index / EncodedUpdate.ELEMENTS_AN_INT] |= code << shift;
  }

  /** What the next update must reach, in its own units. */
  float threshold() {
    return threshold.value();
  }

  /** Elements of an update. */
  int length() {
    return length;
  }

  /** What a checkpoint must keep; the residual is the codec's own array, not a copy. */
  SharingState state() {
    return new SharingState(threshold.exact(), updates, residual);
  }

  /** Goes on from where another codec was; the residual is copied. */
  void restore(SharingState state) {
    FloatBlocks.of("residual", state.residual(), length);
    threshold.restore(state.threshold());
    updates = state.updates();
    residual.assign(state.residual());
  }

  @Override
  public void close() {
    residual.close();
  }
}

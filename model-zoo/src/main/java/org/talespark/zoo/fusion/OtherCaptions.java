package org.talespark.zoo.fusion;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.train.HeldOut;

/**
 * For each held-out pair the caption of another one, with other tokens: drawn by the pair's key
 * from all held-out samples, so that it is the same in every batch and on every worker.
 *
 * @param texts [B*N]; where none was found, the pair's own
 * @param found [B] whether there was one
 */
@SuppressWarnings("ArrayRecordComponent")
record OtherCaptions(ClipTexts.Rows texts, boolean[] found) {
  private static final int STREAM = 1; // 0 are the masks

  /** Attempts, before a pair goes without; only where nearly all captions are the same. */
  private static final int MOST = 32;

  /**
   * Draws.
   *
   * @param own texts of the pairs, [B*N]
   * @param keys one a pair, at most B
   * @param batch B
   */
  static OtherCaptions draw(
      ClipTexts texts, ClipTexts.Rows own, long[] keys, HeldOut all, int batch) {
    boolean[] found = new boolean[batch];
    int length = own.ids().length / batch;
    int[] ids = own.ids().clone();
    int[] ends = own.ends().clone();
    for (int b = 0; b < keys.length; b++) {
      SplittableRandom random = new SplittableRandom(NoiseKey.at(keys[b], STREAM));
      int from = b * length;
      for (int attempt = 0; attempt < MOST && !found[b]; attempt++) {
        String caption = all.caption((int) (random.nextDouble() * all.size()));
        ClipTexts.Rows other = texts.encode(List.of(caption), 1);
        found[b] = !Arrays.equals(other.ids(), 0, length, own.ids(), from, from + length);
        if (found[b]) {
          System.arraycopy(other.ids(), 0, ids, from, length);
          ends[b] = from + other.ends()[0];
        }
      }
    }
    return new OtherCaptions(new ClipTexts.Rows(ids, ends, 0), found);
  }
}

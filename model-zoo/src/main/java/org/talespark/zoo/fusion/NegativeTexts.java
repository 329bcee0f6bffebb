package org.talespark.zoo.fusion;

import java.util.Arrays;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.contrastive.GlobalLoss;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.train.Reducer;

/**
 * Two texts for each picture that do not belong to it, drawn from the batch of all workers; none
 * has the tokens of the picture's own, so neither its counterpart nor the same caption of another
 * picture is ever among them.
 *
 * <p>With logits z_ij = s x_i t_j of picture i and text j, {@code hard} draws
 *
 * <pre>
 *   the first   with probability proportional to exp(z_ij): what the picture takes for its text
 *   the second  with probability proportional to exp(z_ij) / sum_k exp(z_kj): the texts that take
 *               the picture for theirs
 * </pre>
 *
 * <p>ALBEF (Li 2021, arXiv:2107.07651, section 3.2) draws a text for each picture and a picture for
 * each text, from one worker's batch. Pairs of the second kind are drawn here from the picture's
 * side too: then every worker has exactly two negatives for each of its pictures, and pictures,
 * which are large, stay where they are.
 */
final class NegativeTexts {
  /** Negatives of a picture. */
  static final int EACH = 2;

  private static final int STREAM = 1; // 0 are the masks

  /**
   * What was drawn.
   *
   * @param texts [B*2*N], the two of a picture behind each other; a text of its own where there is
   *     none
   * @param any whether there are negatives: not where all texts of all workers are the same
   */
  record Drawn(ClipTexts.Rows texts, boolean any) {}

  private final Objectives.Negatives kind;
  private final ClipModel.Config model;
  private final int batch;
  private final int length;
  private final GlobalTexts texts;

  /** For batches of at most B pairs a worker. */
  NegativeTexts(
      Objectives.Negatives kind, ClipModel.Config model, Reducer reducer, int batch, int length) {
    this.kind = kind;
    this.model = model;
    this.batch = batch;
    this.length = length;
    this.texts = new GlobalTexts(reducer, batch, length);
  }

  /**
   * Draws with all other workers, who call this at the same time.
   *
   * @param own this worker's texts, [B*N]
   * @param keys one for each of its pairs
   * @param loss that has computed this batch; null where nothing is hard
   */
  Drawn draw(ClipTexts.Rows own, long[] keys, GlobalLoss loss) {
    int count = keys.length;
    texts.gather(own.ids(), count);
    int[] places = new int[batch * EACH];
    Arrays.fill(places, -1);
    if (kind == Objectives.Negatives.HARD) {
      double[] sums = loss.textLogSums(count);
      loss.pictureLogits(
          count,
          (i, logits) -> {
            places[EACH * i] = texts.draw(i, key(keys[i], 0), m -> logits[m]);
            places[EACH * i + 1] = texts.draw(i, key(keys[i], 1), m -> logits[m] - sums[m]);
          });
    } else {
      for (int i = 0; i < count * EACH; i++) {
        places[i] = texts.draw(i / EACH, key(keys[i / EACH], i % EACH), m -> 0);
      }
    }
    int[] ids = new int[places.length * length];
    for (int i = 0; i < places.length; i++) {
      if (places[i] < 0) {
        System.arraycopy(own.ids(), i / EACH * length, ids, i * length, length);
      } else {
        texts.copy(places[i], ids, i * length);
      }
    }
    return new Drawn(
        new ClipTexts.Rows(ids, ClipModel.ends(model, ids, length), 0), texts.different());
  }

  private static long key(long sample, int number) {
    return NoiseKey.at(sample, STREAM + number);
  }
}

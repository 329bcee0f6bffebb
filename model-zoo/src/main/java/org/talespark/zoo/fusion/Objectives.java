package org.talespark.zoo.fusion;

import static java.util.Objects.requireNonNull;
import static org.talespark.zoo.fusion.FusionChecks.check;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.talespark.zoo.contrastive.PairLoss;

/**
 * What a fusion model is trained for: the loss is the sum of the losses of those that are there,
 * each times its weight.
 *
 * @param contrastive pictures and texts alone, before fusion; null for none
 * @param mlm words that are missing, from the rest of the text and the picture; null for none
 * @param itm whether a text belongs to a picture; null for none
 */
public record Objectives(Contrastive contrastive, MaskedLanguage mlm, Matching itm) {
  public Objectives {
    check(
        mlm != null || itm != null,
        "objectives",
        "without mlm and itm",
        "at least one of them; for the contrastive loss alone try task.type=contrastive");
    check(
        itm == null || itm.negatives() != Negatives.HARD || contrastive != null,
        "objectives.itm.negatives",
        "hard",
        "objectives.contrastive beside it, whose similarities say what is hard; try random");
  }

  /**
   * The contrastive loss over the pairs of all workers.
   *
   * @param loss softmax or sigmoid
   */
  public record Contrastive(double weight, PairLoss loss) {
    public Contrastive {
      checkWeight("contrastive", weight);
      requireNonNull(loss, "objectives.contrastive.loss");
    }
  }

  /**
   * Masked language modelling (Devlin 2018, arXiv:1810.04805, section 3.1) with the picture as
   * context (Li 2021, arXiv:2107.07651, Eq. 3): the mean of -log p(token) over the masked positions
   * of all workers.
   *
   * @param share of a text's ordinary tokens that are masked; left out, 0.15
   * @param maskToken the special token that stands in their place; left out, {@code <mask>}
   */
  public record MaskedLanguage(double weight, Double share, String maskToken) {
    private static final double SHARE = 0.15;

    public MaskedLanguage {
      share = share == null ? Double.valueOf(SHARE) : share;
      maskToken = maskToken == null ? "<mask>" : maskToken;
      checkWeight("mlm", weight);
      check(share > 0 && share < 1, "objectives.mlm.share", share, "more than 0, less than 1");
    }
  }

  /**
   * Image-text matching (Li 2021, arXiv:2107.07651, Eq. 4): the mean cross-entropy of two classes
   * over the pairs of all workers and two negatives for each picture.
   */
  public record Matching(double weight, Negatives negatives) {
    public Matching {
      checkWeight("itm", weight);
      requireNonNull(negatives, "objectives.itm.negatives");
    }
  }

  /** Which texts of the batch of all workers are put to a picture that they do not belong to. */
  public enum Negatives {
    /** Any, each caption as likely as another. */
    @JsonProperty("random")
    RANDOM,
    /** Those that the contrastive loss confuses with the picture's own, the likelier. */
    @JsonProperty("hard")
    HARD
  }

  private static void checkWeight(String objective, double weight) {
    check(
        weight > 0 && Double.isFinite(weight),
        "objectives." + objective + ".weight",
        weight,
        "more than 0; leave the objective out to do without it");
  }
}

package org.talespark.zoo.contrastive;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/**
 * What is asked of the similarities of pictures and texts; in configuration an object with {@code
 * type} one of {@code softmax}, {@code sigmoid}.
 *
 * <p>G pairs are in the batch of all workers; x_i, t_j are embeddings of length 1, s is exp({@code
 * logit_scale}).
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = PairLoss.Softmax.class, name = "softmax"),
  @JsonSubTypes.Type(value = PairLoss.Sigmoid.class, name = "sigmoid")
})
public sealed interface PairLoss {

  /**
   * Symmetric cross-entropy (Radford 2021, arXiv:2103.00020, figure 3): z_ij = s x_i t_j, and
   *
   * <pre>
   *   L = -1/(2G) sum_i (log softmax_j(z_ij)[i] + log softmax_j(z_ji)[i])
   * </pre>
   */
  record Softmax() implements PairLoss {}

  /**
   * A sigmoid for each combination (Zhai 2023, arXiv:2303.15343, Eq. 1): z_ij = s x_i t_j + b, and
   *
   * <pre>
   *   L = -1/G sum_ij log sigmoid(y_ij z_ij),   y_ij = 1 where i = j, else -1
   * </pre>
   *
   * @param bias b to begin with, a parameter; -10 in the paper, since most combinations are no pair
   */
  record Sigmoid(double bias) implements PairLoss {
    public Sigmoid {
      if (!Double.isFinite(bias)) {
        throw new IllegalArgumentException(
            "Cannot configure training: loss.bias=%s, expected a finite number, such as -10"
                .formatted(bias));
      }
    }
  }
}

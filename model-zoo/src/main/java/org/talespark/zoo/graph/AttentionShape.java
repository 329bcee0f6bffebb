package org.talespark.zoo.graph;

/**
 * The sizes of attention.
 *
 * @param batch B, samples
 * @param tokens T, of each sample
 * @param heads h, of the queries
 * @param keyHeads k, of keys and values; divides h
 * @param dimension d, elements of a head
 */
public record AttentionShape(int batch, int tokens, int heads, int keyHeads, int dimension) {
  public AttentionShape {
    if (Math.min(batch, tokens) < 1
        || Math.min(heads, dimension) < 1
        || keyHeads < 1
        || heads % keyHeads != 0) {
      throw new IllegalArgumentException(
          "Cannot make attention: batch=%d tokens=%d heads=%d key_heads=%d dimension=%d, expected at least 1 each and key_heads a divisor of heads"
              .formatted(batch, tokens, heads, keyHeads, dimension));
    }
  }
}

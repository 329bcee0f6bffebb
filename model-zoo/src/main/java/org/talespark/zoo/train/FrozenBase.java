package org.talespark.zoo.train;

/**
 * A model whose weights stay as they are while something is trained that is added to them.
 *
 * @param checkpoint its URI: one checkpoint, never a run, whose best may become another
 * @param sha256 of its weights
 */
public record FrozenBase(String checkpoint, String sha256) {
  public FrozenBase {
    if (checkpoint == null || sha256 == null) {
      throw new IllegalArgumentException(
          "Cannot configure base: checkpoint=%s sha256=%s, expected both; try --base, which sets them"
              .formatted(checkpoint, sha256));
    }
  }
}

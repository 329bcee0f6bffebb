package org.talespark.zoo.lora;

import static java.util.Objects.requireNonNull;

import java.util.Collection;
import org.talespark.zoo.train.FrozenBase;

/**
 * Low-rank adapters (Hu 2021, arXiv:2106.09685), under the names of PEFT's {@code
 * adapter_config.json}. A linear layer with weight W [out, in] gives
 *
 * <pre>
 *   W x + b + scale B A x,   A [r, in], B [out, r]
 * </pre>
 *
 * @param r rank
 * @param loraAlpha scale = lora_alpha / r
 * @param targetModules which linear layers have adapters
 * @param loraDropout probability with which an element of A's input is left out in training, in
 *     float32; left out, 0
 * @param useRslora scale = lora_alpha / sqrt(r) (Kalajdzievski 2023, arXiv:2312.03732); left out,
 *     false
 * @param base what the adapters are added to; null until it is known
 */
public record LoraConfig(
    int r,
    double loraAlpha,
    TargetModules targetModules,
    Double loraDropout,
    Boolean useRslora,
    FrozenBase base) {
  public LoraConfig {
    loraDropout = loraDropout == null ? Double.valueOf(0) : loraDropout;
    useRslora = useRslora == null ? Boolean.FALSE : useRslora;
    requireNonNull(targetModules, "target_modules");
    check(r >= 1, "r", r, "at least 1");
    check(loraAlpha > 0 && Double.isFinite(loraAlpha), "lora_alpha", loraAlpha, "more than 0");
    check(
        loraDropout >= 0 && loraDropout < 1, "lora_dropout", loraDropout, "0 or more, less than 1");
  }

  /** Without a base. */
  public LoraConfig(int r, double loraAlpha, TargetModules targetModules) {
    this(r, loraAlpha, targetModules, null, null, null);
  }

  private static void check(boolean holds, String key, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot configure LoRA: %s=%s, expected %s".formatted(key, value, rule));
    }
  }

  /** What B A is multiplied by. */
  public double scale() {
    return loraAlpha / (useRslora ? Math.sqrt(r) : r);
  }

  /**
   * Refuses targets that a model does not have.
   *
   * @param layers all its linear layers
   * @throws IllegalArgumentException listing the nearest names
   */
  public void checkTargets(Collection<String> layers) {
    targetModules.check(layers);
  }

  /** The same on a base. */
  public LoraConfig on(FrozenBase of) {
    return new LoraConfig(r, loraAlpha, targetModules, loraDropout, useRslora, of);
  }
}

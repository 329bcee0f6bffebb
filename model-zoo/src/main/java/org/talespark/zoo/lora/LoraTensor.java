package org.talespark.zoo.lora;

import java.util.Optional;

/**
 * A tensor of an adapter, which PEFT calls {@code base_model.model.LAYER.lora_A.weight}.
 *
 * @param layer the linear layer's name in the model
 * @param part A [r, in] or B [out, r]
 */
record LoraTensor(String layer, Part part) {
  private static final String ROOT = "base_model.model.";

  /** The two factors of what is added. */
  enum Part {
    A,
    B;

    private String ending() {
      return ".lora_%s.weight".formatted(name());
    }
  }

  /** Its key in {@code adapter_model.safetensors}, and its name in a graph. */
  String key() {
    return ROOT + layer + part.ending();
  }

  /** What a key names, if it is one of these. */
  static Optional<LoraTensor> of(String key) {
    if (key.startsWith(ROOT)) {
      for (Part part : Part.values()) {
        if (key.endsWith(part.ending()) && key.length() > ROOT.length() + part.ending().length()) {
          String layer = key.substring(ROOT.length(), key.length() - part.ending().length());
          return Optional.of(new LoraTensor(layer, part));
        }
      }
    }
    return Optional.empty();
  }
}

package org.talespark.data.caption;

import java.text.Normalizer;
import java.util.Locale;

/** The Unicode normalisation form that captions take (Unicode Standard Annex 15). */
public enum Normalization {
  /** Canonical composition: the same characters in one spelling. */
  NFC,
  /** Compatibility composition: also ligatures, full-width and circled characters as plain ones. */
  NFKC,
  /** As they are. */
  NONE;

  /** The name in configuration files: lower case. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The form of that {@link #id()}; unknown ones fail. */
  public static Normalization of(String id) {
    for (Normalization form : values()) {
      if (form.id().equals(id)) {
        return form;
      }
    }
    throw new IllegalArgumentException(
        "Cannot normalise captions: caption_normalization=%s, expected nfc, nfkc or none"
            .formatted(id));
  }

  String apply(String text) {
    return switch (this) {
      case NFC -> Normalizer.normalize(text, Normalizer.Form.NFC);
      case NFKC -> Normalizer.normalize(text, Normalizer.Form.NFKC);
      case NONE -> text;
    };
  }
}

package org.talespark.data.caption;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.talespark.data.Reason;

/**
 * The captions of one picture, cleaned: valid Unicode without control characters, noncharacters and
 * bidirectional overrides, in one normalisation form, each run of white space one space, none at
 * the ends. Cleaning clean text changes nothing. Whatever is left out is counted: {@code given ==
 * texts.size() + empty + tooLong + repeated}.
 *
 * @param texts what can be used: not empty, not too long, distinct, in the order given
 * @param given how many captions there were
 * @param repairs U+FFFD put in place of what was no Unicode, in all captions
 * @param empty captions with nothing left after cleaning
 * @param tooLong captions that are longer than the rules allow; none is ever cut
 * @param repeated captions equal to an earlier one after cleaning
 */
public record Captions(
    List<String> texts, int given, int repairs, int empty, int tooLong, int repeated) {

  public Captions {
    texts = List.copyOf(texts);
  }

  /** Cleans captions that were read as bytes, taken for UTF-8. */
  public static Captions clean(List<byte[]> captions, CaptionRules rules) {
    Counted counted = new Counted(rules);
    for (byte[] caption : captions) {
      StringBuilder text = new StringBuilder(caption.length);
      counted.repairs += Utf8.decode(caption, text);
      counted.add(text);
    }
    return counted.captions(captions.size());
  }

  /** Cleans captions that were read as text, such as JSON, which may hold lone surrogates. */
  public static Captions cleanTexts(List<String> captions, CaptionRules rules) {
    Counted counted = new Counted(rules);
    for (String caption : captions) {
      StringBuilder text = new StringBuilder(caption.length());
      counted.repairs += Utf8.repair(caption, text);
      counted.add(text);
    }
    return counted.captions(captions.size());
  }

  /** Why a picture with these captions cannot be used; empty when at least one can. */
  public Optional<Reason> refusal() {
    if (!texts.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        tooLong > 0
            ? Reason.CAPTION_TOO_LONG
            : given > 0 ? Reason.CAPTION_EMPTY : Reason.CAPTION_MISSING);
  }

  private static final class Counted {
    private final CaptionRules rules;
    private final Set<String> texts = new LinkedHashSet<>();
    private int repairs;
    private int empty;
    private int tooLong;
    private int repeated;

    Counted(CaptionRules rules) {
      this.rules = rules;
    }

    void add(CharSequence raw) {
      String text = Tidy.text(raw, rules.normalization());
      if (text.isEmpty()) {
        empty++;
      } else if (text.codePointCount(0, text.length()) > rules.maxCharacters()) {
        tooLong++;
      } else if (!texts.add(text)) {
        repeated++;
      }
    }

    Captions captions(int given) {
      return new Captions(new ArrayList<>(texts), given, repairs, empty, tooLong, repeated);
    }
  }
}

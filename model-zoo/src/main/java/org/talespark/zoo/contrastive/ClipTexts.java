package org.talespark.zoo.contrastive;

import java.util.Arrays;
import java.util.List;
import org.talespark.zoo.text.TextTokens;
import org.talespark.zoo.text.Tokenizer;

/** Texts as the text tower reads them, from a tokenizer that fits the model. */
public final class ClipTexts implements AutoCloseable {

  /**
   * Texts as rows; those behind the last text are padding.
   *
   * @param ids [B*N]
   * @param ends [B]: the row of each text's end among [B*N]
   * @param cut texts that were longer than N
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Rows(int[] ids, int[] ends, int cut) {}

  private static final int PROBE = 8; // tokens, enough for one letter between begin and end

  private final ClipModel.Config config;
  private final Tokenizer tokenizer;
  private final int length;

  /**
   * Takes a tokenizer, which is closed with this.
   *
   * @param length N
   * @throws IllegalArgumentException when the model cannot read what it writes
   */
  public ClipTexts(ClipModel.Config config, Tokenizer tokenizer, int length) {
    this.config = config;
    this.tokenizer = tokenizer;
    this.length = length;
    int vocabulary = config.textConfig().vocabSize();
    if (tokenizer.vocabulary() > vocabulary) {
      throw new IllegalArgumentException(
          "Cannot use tokenizer: tokens=%d text_config.vocab_size=%d, expected at most as many; try a smaller --vocab, or a larger vocab_size where the model is trained from scratch"
              .formatted(tokenizer.vocabulary(), vocabulary));
    }
    int end = end();
    if (!ClipModel.endsAt(config, end, tokenizer.vocabulary())) {
      throw new IllegalArgumentException(
          "Cannot use tokenizer: its texts end with token %d, text_config.eos_token_id=%d, expected the same and not 2, which Hugging Face's CLIP takes for the largest id; try `talespark tokenizer`, whose special tokens are <pad>, <eos>, <bos>, with eos_token_id=1"
              .formatted(end, config.textConfig().eosTokenId()));
    }
  }

  /** The token that the tokenizer puts behind every text. */
  private int end() {
    TextTokens probe = tokenizer.encode(List.of("a", "b", ""), PROBE);
    int[] ends = Arrays.stream(probe.last()).map(at -> probe.ids()[at]).toArray();
    boolean different = Arrays.stream(ends).anyMatch(end -> end != ends[0]);
    if (different || probe.mask()[probe.last()[2]] == 0) {
      throw new IllegalArgumentException(
          "Cannot use tokenizer: texts end with the tokens %s, expected one that it puts behind every text; try `talespark tokenizer` with the special token <eos>"
              .formatted(Arrays.toString(ends)));
    }
    return ends[0];
  }

  /**
   * At most B texts as rows of N tokens.
   *
   * @param rows B
   */
  public Rows encode(List<String> texts, int rows) {
    TextTokens tokens = tokenizer.encode(texts, length);
    int[] ids = Arrays.copyOf(tokens.ids(), rows * length);
    return new Rows(ids, ClipModel.ends(config, ids, length), tokens.cut());
  }

  /** The bytes of its {@code tokenizer.json}. */
  public byte[] file() {
    return tokenizer.file();
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}

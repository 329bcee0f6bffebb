package org.talespark.zoo.text;

/**
 * Texts as rows of tokens of one length.
 *
 * @param ids [B*N]; padding behind a text's end is 0
 * @param mask [B*N]: 1 for a token, 0 for padding
 * @param last [B]: where each text's last token stands among the B*N
 * @param length N
 * @param cut texts that were longer than N; they keep their last token, the end
 */
@SuppressWarnings("ArrayRecordComponent")
public record TextTokens(int[] ids, float[] mask, int[] last, int length, int cut) {}

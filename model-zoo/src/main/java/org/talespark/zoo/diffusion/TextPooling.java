package org.talespark.zoo.diffusion;

/** What of a text, as one vector, is added to the time. */
public enum TextPooling {
  /** Nothing: texts are read by cross-attention alone. */
  NONE,
  /** The state of the last token, which has seen the whole text. */
  LAST,
  /** The words: a vector for each token of the vocabulary, which is trained with the denoiser. */
  WORDS
}

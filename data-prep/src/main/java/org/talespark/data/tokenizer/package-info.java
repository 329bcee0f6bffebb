/** Trains byte-level BPE tokenizers on the captions of a dataset. */
package org.talespark.data.tokenizer;

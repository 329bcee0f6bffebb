package org.talespark.zoo.train;

import java.util.List;

/**
 * A worker's part of one step's samples.
 *
 * @param keys one a sample
 * @param pictures [B, 3, size, size] in [-1, 1], in C order; where the task has a first stage,
 *     their latents [B, C, S, S] as it makes them
 * @param captions one a sample
 */
@SuppressWarnings("ArrayRecordComponent")
public record Batch(List<String> keys, float[] pictures, List<String> captions) {
  public Batch {
    keys = List.copyOf(keys);
    captions = List.copyOf(captions);
    if (captions.size() != keys.size()) {
      throw new IllegalArgumentException(
          "Cannot make batch: keys=%d captions=%d, expected as many"
              .formatted(keys.size(), captions.size()));
    }
  }

  public int size() {
    return keys.size();
  }
}

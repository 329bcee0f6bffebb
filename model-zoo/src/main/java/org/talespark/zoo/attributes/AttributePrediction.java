package org.talespark.zoo.attributes;

import java.io.Serializable;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What the classifier sees in a picture, by the numbers of the grammar's settings, kinds and
 * colours.
 *
 * @param settings logits [N]
 * @param presence logits [K]
 * @param colours logits [K * C]
 */
@SuppressWarnings("ArrayRecordComponent")
public record AttributePrediction(float[] settings, float[] presence, float[] colours)
    implements Serializable {

  /** The likeliest setting. */
  public int setting() {
    return largest(settings, 0, settings.length);
  }

  /** The {@code n} most present kinds, the most present first. */
  public List<Integer> kinds(int n) {
    return IntStream.range(0, presence.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer kind) -> -presence[kind]))
        .limit(n)
        .toList();
  }

  /** The likeliest colour of a kind, if it is in the picture. */
  public int colour(int kind) {
    int count = colours.length / presence.length;
    return largest(colours, kind * count, count);
  }

  private static int largest(float[] values, int from, int count) {
    int largest = 0;
    for (int i = 1; i < count; i++) {
      if (values[from + i] > values[from + largest]) {
        largest = i;
      }
    }
    return largest;
  }
}

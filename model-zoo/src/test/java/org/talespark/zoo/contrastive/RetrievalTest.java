package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RetrievalTest {

  private static List<String> captions(int count) {
    return IntStream.range(0, count).mapToObj(i -> "caption " + i).toList();
  }

  @Test
  void ranksAreCountedBothWays() {
    float[][] pictures = {{1, 0}, {0, 1}, {0.6f, 0.8f}};
    float[][] texts = {{1, 0}, {0.8f, 0.6f}, {0, 1}};
    // similarities: 1 .8 0 | 0 .6 1 | .6 .96 .8
    Map<String, Double> metrics = Retrieval.of(captions(3), pictures, texts);
    assertThat(metrics)
        .containsEntry("image_to_text_r1", 1 / 3.0)
        .containsEntry("text_to_image_r1", 1 / 3.0)
        .containsEntry("image_to_text_r5", 1.0)
        .containsEntry("text_to_image_r10", 1.0)
        .hasEntrySatisfying(
            "mean_recall", mean -> assertThat(mean).isCloseTo(7 / 9.0, within(1e-15)))
        .containsEntry("pairs", 3.0);
  }

  @Test
  void theOwnCounterpartMustBeAmongTheFirst() {
    int n = 20; // picture i is most similar to texts i, i + 1, ... in turn: its own is always first
    float[][] texts = new float[n][n];
    float[][] pictures = new float[n][n];
    for (int i = 0; i < n; i++) {
      texts[i][i] = 1;
      for (int j = 0; j < n; j++) {
        pictures[i][(i + 7 + j) % n] = n - j; // own text comes 14th: (i + 7 + 13) % 20 = i
      }
    }
    Map<String, Double> metrics = Retrieval.of(captions(n), pictures, texts);
    assertThat(metrics)
        .containsEntry("image_to_text_r10", 0.0)
        .containsEntry("text_to_image_r10", 0.0);
    for (int i = 0; i < n; i++) {
      pictures[i][i] = n - 9.5f; // now ten are ahead of it
    }
    assertThat(Retrieval.of(captions(n), pictures, texts)).containsEntry("image_to_text_r10", 0.0);
    for (int i = 0; i < n; i++) {
      pictures[i][i] = n - 8.5f; // and now nine
    }
    assertThat(Retrieval.of(captions(n), pictures, texts))
        .containsEntry("image_to_text_r10", 1.0)
        .containsEntry("image_to_text_r5", 0.0);
  }

  @Test
  void embeddingsThatAreAllTheSameFindNothing() {
    float[][] same = new float[30][];
    Arrays.fill(same, new float[] {1, 0});
    assertThat(Retrieval.of(captions(30), same, same)).containsEntry("mean_recall", 0.0);
  }

  @Test
  void ofPairsWithTheSameCaptionTheFirstCounts() {
    float[][] pictures = {{1, 0}, {0, 1}, {0.9f, 0.1f}};
    float[][] texts = {{1, 0}, {0, 1}, {1, 0}};
    assertThat(Retrieval.of(List.of("a fox", "an owl", "a fox"), pictures, texts))
        .containsEntry("pairs", 2.0)
        .containsEntry("mean_recall", 1.0);
  }
}

package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ZeroShotTest {

  @Test
  void everyTemplateTakesEveryPhrase() {
    assertThat(ZeroShot.prompts(List.of("a {}", "{} at night"), List.of("fox", "owl")))
        .containsExactly("a fox", "a owl", "fox at night", "owl at night");
  }

  @Test
  void aClassIsTheMeanOfItsPromptsOfLengthOne() {
    float[] mean = ZeroShot.mean(List.of(new float[] {1, 0}, new float[] {0, 1}));
    float half = (float) Math.sqrt(0.5);
    assertThat(mean).containsExactly(new float[] {half, half}, Offset.offset(1e-6f));
  }

  @Test
  void aPictureIsOfTheMostSimilarClass() {
    List<float[]> classes = List.of(new float[] {1, 0}, new float[] {0, 1}, new float[] {0, 1});
    assertThat(ZeroShot.classify(new float[] {0.9f, 0.1f}, classes)).isZero();
    assertThat(ZeroShot.classify(new float[] {-0.1f, 0.9f}, classes)).isEqualTo(-1);
    assertThat(ZeroShot.classify(new float[] {0.5f, 0.5f}, classes)).isEqualTo(-1);
    assertThat(ZeroShot.classify(new float[] {-1, -1}, classes.subList(0, 1))).isZero();
  }
}

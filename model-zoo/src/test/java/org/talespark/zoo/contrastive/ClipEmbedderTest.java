package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.SampleRows;

class ClipEmbedderTest {
  private static final int PIXELS = 3 * Pairs.SIZE * Pairs.SIZE;
  private static final ContrastiveLearnerConfig CONFIG = Pairs.config(new PairLoss.Sigmoid(-3));

  private static Learner learner() {
    Learner learner = CONFIG.create(Pairs.context(4, DataType.FLOAT, Reducer.ALONE));
    for (int step = 0; step < 3; step++) {
      learner.step(Pairs.batch(step, 0, 4), new Progress(step, 0));
    }
    return learner;
  }

  private static Pretrained checkpoint(Learner learner) {
    JsonNode config = new ObjectMapper().valueToTree(CONFIG.modelConfig(Pairs.SIZE));
    Map<String, INDArray> weights = new HashMap<>();
    learner.ema().forEach((name, array) -> weights.put(name, array.dup()));
    return new Pretrained(config, weights, learner.files());
  }

  private static List<float[]> planes(Batch batch) {
    List<float[]> planes = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      planes.add(Arrays.copyOfRange(batch.pictures(), i * PIXELS, (i + 1) * PIXELS));
    }
    return planes;
  }

  @Test
  void rowsAreThoseOfTheTrainedModel() {
    try (Learner learner = learner();
        ClipEmbedder embedder = new ClipEmbedder(checkpoint(learner), 3)) {
      Batch batch = Pairs.batch(8, 0, 4);
      SampleRows expected = learner.evaluationRows(batch);
      List<float[]> images = embedder.pictures(planes(batch));
      List<float[]> texts = embedder.texts(batch.captions());
      assertThat(embedder.width()).isEqualTo(8);
      assertThat(images).hasSize(4);
      assertThat(texts).hasSize(4);
      for (int i = 0; i < 4; i++) {
        assertThat(images.get(i))
            .containsExactly(expected.rows().get("image_embeds")[i], Offset.offset(1e-5f));
        assertThat(texts.get(i))
            .containsExactly(expected.rows().get("text_embeds")[i], Offset.offset(1e-5f));
      }
      assertThat(embedder.pictures(List.of())).isEmpty();
      assertThat(embedder.texts(List.of())).isEmpty();
    }
  }

  @Test
  void partsThatDoNotFitTogetherAreRefused() {
    try (Learner learner = learner()) {
      Pretrained whole = checkpoint(learner);
      assertThat(ClipEmbedder.check(whole.config(), whole.files())).isEqualTo(8);

      Map<String, byte[]> files = new HashMap<>(whole.files());
      files.put("tokenizer.json", Pairs.tokenizer(2));
      assertThatThrownBy(() -> ClipEmbedder.check(whole.config(), files))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("end with token 2");
      files.remove("tokenizer.json");
      assertThatThrownBy(() -> ClipEmbedder.check(whole.config(), files))
          .hasMessageContaining("file tokenizer.json is missing")
          .hasMessageContaining("preprocessor_config.json");

      Map<String, INDArray> weights = new HashMap<>(whole.tensors());
      weights.put("visual_projection.weight", Nd4j.zeros(DataType.FLOAT, 8, 17));
      assertThatThrownBy(
              () -> new ClipEmbedder(new Pretrained(whole.config(), weights, whole.files()), 3))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("tensor=visual_projection.weight shape=[8, 17], expected [8, 16]");
    }
  }
}

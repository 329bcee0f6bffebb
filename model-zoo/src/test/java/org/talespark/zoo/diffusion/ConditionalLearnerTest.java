package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.text.TokenizerFiles;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.FirstStage;
import org.talespark.zoo.train.InProcessWorkers;
import org.talespark.zoo.train.LatentSpace;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.vq.VectorQuantizer;
import org.talespark.zoo.vq.VqCodec;
import org.talespark.zoo.vq.VqGan;

/** Training under texts, and on latents. */
final class ConditionalLearnerTest {
  private static final int WIDTH = 8;
  private static final byte[] TOKENIZER =
      TokenizerFiles.words("a", "red", "blue", "sky", "picture");
  private static final TextEncoder.Config ENCODER =
      new TextEncoder.Config(16, WIDTH, 16, 1, 2, 12, 1e-5);
  private static final TextContext TEXT = text(6, TextPooling.LAST);
  private static final ObjectMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  private static TextContext text(int tokens, TextPooling pooling) {
    return text(tokens, pooling, 0, false);
  }

  private static TextContext text(int tokens, TextPooling pooling, int after, boolean shift) {
    return new TextContext.Encoder("words", tokens, pooling, after, shift, ENCODER);
  }

  private static DenoiserConfig uNet(int channels) {
    return uNet(channels, 4);
  }

  private static DenoiserConfig uNet(int channels, int first) {
    return new UNet2DCondition.Config(
        channels, List.of(first, 2 * first), 1, List.of(false, true), 2, 0, 2, WIDTH);
  }

  private static DenoiserConfig model(String kind, int channels) {
    return kind.equals("unet") ? uNet(channels) : new Dit.Config(channels, 2, 8, 1, 2, WIDTH);
  }

  private static DiffusionLearnerConfig config(
      DenoiserConfig model, TextContext text, FirstStage firstStage, double dropout) {
    return new DiffusionLearnerConfig(
        model,
        new NoiseConfig.Cosine(1000, 0.008, 0.999, false),
        Prediction.V_PREDICTION,
        new LossWeighting.None(),
        null,
        text,
        firstStage,
        dropout,
        2,
        new Sampler.DpmSolver(6, Spacing.TRAILING),
        2.0,
        null,
        new OptimizerConfig.AdamW(0.9, 0.99, 1e-8, 0),
        new Schedule.Constant(),
        1,
        0.9);
  }

  private static LearnerContext context(int batch, DataType type, Reducer reducer, double rate) {
    Map<String, Pretrained> checkpoints = Map.of("tower", tower(), "first", firstStage());
    return new LearnerContext(
        batch,
        Learners.SIZE,
        11,
        rate,
        type,
        reducer,
        checkpoints::get,
        Map.of("words", TOKENIZER)::get);
  }

  private static Pretrained initial(JsonNode config, Layers layers, Map<String, byte[]> files) {
    Map<String, INDArray> tensors = new HashMap<>();
    for (String name : layers.names()) {
      tensors.put(name, layers.ops().graph().getVariable(name).getArr().dup());
    }
    return new Pretrained(config, tensors, files);
  }

  /** A contrastive model's text tower of random weights, and something else beside it. */
  private static Pretrained tower() {
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.trainable(ops, 7);
    TextEncoder.build(ENCODER, layers, ops.indices("ids", 4), 1, 4);
    layers.zeros("logit_scale", 1);
    return initial(
        JSON.valueToTree(Map.of("text_config", ENCODER, "projection_dim", 4)),
        layers,
        Map.of(Tokenizer.FILE, TOKENIZER));
  }

  /** A VQ-GAN of random weights: 8x8 pixels to 4x4 latents of 3. */
  private static Pretrained firstStage() {
    VqGan.Config config =
        new VqGan.Config(
            List.of(4, 8),
            1,
            4,
            2,
            false,
            new VectorQuantizer.Config(
                10,
                3,
                VectorQuantizer.Learning.GRADIENT,
                VectorQuantizer.Similarity.EUCLIDEAN,
                0.25,
                0.9,
                0));
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.trainable(ops, 3);
    config.build(layers, 1, Learners.SIZE);
    JsonNode file =
        JSON.createObjectNode()
            .put("sample_size", Learners.SIZE)
            .set("model", JSON.valueToTree(config));
    ((ObjectNode) file.get("model")).put("type", "vqgan");
    return initial(file, layers, Map.of());
  }

  private static final LatentSpace SPACE =
      new LatentSpace("0", 3, 4, List.of(0.1, -0.2, 0.0), List.of(0.5, 0.25, 2.0));
  private static final FirstStage FIRST_STAGE = new FirstStage("first", null, SPACE);

  private static Batch batch(long step, int from, int count, UnaryOperator<String> caption) {
    Batch batch = Learners.batch(step, from, count);
    List<String> captions = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      captions.add(caption.apply(i % 2 == 0 ? "a red picture" : "a blue sky picture"));
    }
    return new Batch(batch.keys(), batch.pictures(), captions);
  }

  private static Batch batch(long step, int from, int count) {
    return batch(step, from, count, UnaryOperator.identity());
  }

  private static Progress progress(long step) {
    return new Progress(step, 0);
  }

  /** Captions of what is in the pictures: red ones and blue ones. */
  private static Batch coloured(int count) {
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    float[] pictures = new float[count * Learners.ELEMENTS];
    int plane = Learners.SIZE * Learners.SIZE;
    for (int i = 0; i < count; i++) {
      keys.add("coloured-" + i);
      captions.add(i % 2 == 0 ? "a red picture" : "a blue picture");
      for (int j = 0; j < Learners.ELEMENTS; j++) {
        int channel = j / plane;
        pictures[i * Learners.ELEMENTS + j] = channel == (i % 2 == 0 ? 0 : 2) ? 0.8f : -0.8f;
      }
    }
    return new Batch(keys, pictures, captions);
  }

  private static double redness(float[] picture) {
    int plane = Learners.SIZE * Learners.SIZE;
    double sum = 0;
    for (int p = 0; p < plane; p++) {
      sum += (picture[p] - picture[2 * plane + p]) / plane;
    }
    return sum;
  }

  /** A checkpoint as a run would write it. */
  private static Pretrained saved(DiffusionLearnerConfig config, Learner learner)
      throws JsonProcessingException {
    Map<String, INDArray> tensors = new HashMap<>();
    learner.ema().forEach((name, array) -> tensors.put(name, array.dup()));
    JsonNode file = JSON.readTree(JSON.writeValueAsString(config.modelConfig(Learners.SIZE)));
    return new Pretrained(file, tensors, learner.files());
  }

  /** What a model makes of a batch's captions with the keys of a learner's samples. */
  private static float[][] generated(Pretrained checkpoint, Batch batch) {
    try (DiffusionModel model = new DiffusionModel(checkpoint, batch.size())) {
      long[] keys = new long[batch.size()];
      for (int b = 0; b < keys.length; b++) {
        keys[b] = NoiseKey.sampling(0, "", b);
      }
      float[] made = model.generate(batch.captions(), keys, DiffusionModel.Options.DEFAULT);
      float[][] rows = new float[batch.size()][];
      for (int b = 0; b < rows.length; b++) {
        rows[b] = Arrays.copyOfRange(made, b * Learners.ELEMENTS, (b + 1) * Learners.ELEMENTS);
      }
      return rows;
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"LAST", "WORDS"}) // by cross-attention alone more steps are needed
  void picturesFollowTheirTextsAlsoInTheModelThatIsLoaded(TextPooling pooling)
      throws JsonProcessingException {
    DiffusionLearnerConfig config = config(uNet(3, 8), text(6, pooling), null, 0.1);
    Batch batch = coloured(8);
    try (Learner learner = config.create(context(8, DataType.FLOAT, Reducer.ALONE, 1e-2))) {
      for (int step = 0; step < 150; step++) {
        learner.step(batch, progress(step));
      }
      float[][] made = learner.samples(batch)[1];
      for (int b = 0; b < made.length; b++) {
        assertThat(redness(made[b]) > 0).as("picture %d", b).isEqualTo(b % 2 == 0);
      }
      assertThat(generated(saved(config, learner), batch)).isDeepEqualTo(made);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "unet, LAST, 0, false",
    "dit, LAST, 0, false",
    "unet, WORDS, 0, false",
    "dit, WORDS, 2, true"
  })
  void workersTrainAsOneUnderTexts(String kind, TextPooling pooling, int after, boolean shift)
      throws Exception {
    TextContext text = text(6, pooling, after, shift);
    DiffusionLearnerConfig config = config(model(kind, 3), text, null, 0.3);
    List<Double> alone = losses(config, 1);
    List<Double> together = losses(config, 2);
    for (int step = 0; step < alone.size(); step++) {
      assertThat(together.get(step)).isCloseTo(alone.get(step), Offset.offset(1e-11));
    }
  }

  private static List<Double> losses(DiffusionLearnerConfig config, int workers) throws Exception {
    int each = 4 / workers;
    return new InProcessWorkers(workers)
        .run(
            reducer -> {
              List<Double> losses = new ArrayList<>();
              try (Learner learner = config.create(context(each, DataType.DOUBLE, reducer, 5e-3))) {
                for (int step = 0; step < 5; step++) {
                  Batch batch = batch(step, reducer.rank() * each, each);
                  losses.add(learner.step(batch, progress(step)).losses().get("loss"));
                }
              }
              return losses;
            })
        .get(0);
  }

  @Test
  void aTextThatIsDroppedIsTheEmptyOne() {
    List<Double> dropped = new ArrayList<>();
    List<Double> empty = new ArrayList<>();
    DiffusionLearnerConfig most = config(uNet(3), TEXT, null, 0.999999999);
    DiffusionLearnerConfig none = config(uNet(3), TEXT, null, 0);
    try (Learner one = most.create(context(2, DataType.FLOAT, Reducer.ALONE, 5e-3));
        Learner other = none.create(context(2, DataType.FLOAT, Reducer.ALONE, 5e-3))) {
      for (int step = 0; step < 3; step++) {
        dropped.add(one.step(batch(step, 0, 2), progress(step)).losses().get("loss"));
        Batch without = batch(step, 0, 2, caption -> "");
        empty.add(other.step(without, progress(step)).losses().get("loss"));
      }
    }
    assertThat(dropped).isEqualTo(empty);
  }

  @ParameterizedTest
  @CsvSource({"NONE, false", "LAST, false", "WORDS, false", "WORDS, true"})
  void paddingChangesNothing(TextPooling pooling, boolean shift) throws JsonProcessingException {
    Batch batch = batch(0, 0, 2);
    List<float[][]> made = new ArrayList<>();
    for (TextContext text : List.of(text(6, pooling, 0, shift), text(12, pooling, 0, shift))) {
      DiffusionLearnerConfig config = config(uNet(3), text, null, 0.1);
      try (Learner learner = config.create(context(2, DataType.FLOAT, Reducer.ALONE, 5e-3))) {
        for (int step = 0; step < 3; step++) {
          learner.step(batch(step, 0, 2), progress(step));
        }
        made.add(generated(saved(config, learner), batch));
      }
    }
    for (int b = 0; b < 2; b++) {
      for (int i = 0; i < Learners.ELEMENTS; i++) {
        assertThat(made.get(1)[b][i]).isCloseTo(made.get(0)[b][i], Offset.offset(1e-4f));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"unet, encoder", "dit, encoder", "unet, tower"})
  void theWholeTextCountsNothingBeforeItsStep(String kind, String reader) {
    TextContext text =
        reader.equals("tower")
            ? new TextContext.Tower("tower", 6, TextPooling.WORDS, 3)
            : text(6, TextPooling.WORDS, 3, true);
    DiffusionLearnerConfig config = config(model(kind, 3), text, null, 0.1);
    try (Learner learner = config.create(context(2, DataType.FLOAT, Reducer.ALONE, 5e-3))) {
      INDArray words = learner.model().get(TextInputs.WORDS).dup();
      for (int step = 0; step < 3; step++) {
        learner.step(batch(step, 0, 2), progress(step));
        assertThat(learner.model().get(TextInputs.WORDS)).as("step %d", step).isEqualTo(words);
        INDArray added = learner.model().get("class_embedding.linear_2.weight");
        assertThat(added.amaxNumber().doubleValue()).as("step %d", step).isZero();
      }
      for (int step = 3; step < 5; step++) {
        learner.step(batch(step, 0, 2), progress(step));
      }
      assertThat(learner.model().get(TextInputs.WORDS)).isNotEqualTo(words);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aTowerStaysOutOfTheTrainingAndGoesIntoTheCheckpoint(TextPooling pooling)
      throws JsonProcessingException {
    DiffusionLearnerConfig config =
        config(uNet(3), new TextContext.Tower("tower", 6, pooling, 0), null, 0.1);
    try (Learner learner = config.create(context(2, DataType.FLOAT, Reducer.ALONE, 5e-3))) {
      assertThat(learner.model().containsKey(TextInputs.WORDS))
          .isEqualTo(pooling == TextPooling.WORDS);
      assertThat(learner.model().keySet()).noneMatch(name -> name.startsWith("text_model."));
      for (int step = 0; step < 3; step++) {
        learner.step(batch(step, 0, 2), progress(step));
      }
      Batch batch = batch(9, 0, 2);
      Pretrained saved = saved(config, learner);
      assertThat(saved.part("text_encoder").tensors().keySet())
          .allMatch(name -> name.startsWith("text_model."))
          .hasSize(tower().tensors().size() - 1);
      assertThat(generated(saved, batch)).isDeepEqualTo(learner.samples(batch)[1]);
    }
  }

  @Test
  void latentsAreLearnedAtUnitVarianceAndShownAsPictures() throws JsonProcessingException {
    DiffusionLearnerConfig config = config(uNet(3), TEXT, FIRST_STAGE, 0.1);
    Batch pictures = batch(0, 0, 2);
    try (VqCodec codec = new VqCodec(firstStage(), 2);
        Learner learner = config.create(context(2, DataType.FLOAT, Reducer.ALONE, 5e-3))) {
      float[] latents = codec.encode(pictures.pictures(), 2);
      Batch batch = new Batch(pictures.keys(), latents, pictures.captions());
      for (int step = 0; step < 3; step++) {
        learner.step(batch, progress(step));
      }
      float[][][] rows = learner.samples(batch);
      float[] reconstructed = codec.reconstruct(pictures.pictures(), 2).pictures();
      for (int i = 0; i < reconstructed.length; i++) {
        float shown = rows[0][i / Learners.ELEMENTS][i % Learners.ELEMENTS];
        assertThat(shown).isCloseTo(reconstructed[i], Offset.offset(1e-4f));
      }
      Pretrained saved = saved(config, learner);
      assertThat(generated(saved, batch)).isDeepEqualTo(rows[1]);
      try (DiffusionModel model = new DiffusionModel(saved, 2)) {
        float[] through = model.reconstruct(pictures.pictures(), 2);
        for (int i = 0; i < through.length; i++) {
          assertThat(through[i]).isCloseTo(reconstructed[i], Offset.offset(1e-4f));
        }
      }
    }
  }

  @Test
  void normalizedLatentsHaveMeanZeroAndVarianceOne() {
    float[] latents = new float[2 * SPACE.elements()];
    for (int i = 0; i < latents.length; i++) {
      int channel = i / 16 % 3;
      double sign = i % 2 == 0 ? 1 : -1;
      latents[i] = (float) (SPACE.mean().get(channel) + sign * SPACE.deviation().get(channel));
    }
    LatentCodec.normalize(SPACE, latents);
    for (int i = 0; i < latents.length; i++) {
      assertThat(latents[i]).isCloseTo(i % 2 == 0 ? 1 : -1, Offset.offset(1e-6f));
    }
  }

  @Test
  void inpaintingALatentKeepsWhatNoPixelOfIsMadeAnew() throws JsonProcessingException {
    DiffusionLearnerConfig config = config(uNet(3), TEXT, FIRST_STAGE, 0.1);
    Batch pictures = batch(0, 0, 1);
    try (Learner learner = config.create(context(1, DataType.FLOAT, Reducer.ALONE, 5e-3));
        DiffusionModel model = new DiffusionModel(saved(config, learner), 1)) {
      float[] keep = new float[Learners.SIZE * Learners.SIZE];
      float[] kept =
          model.inpaint(
              pictures.captions(),
              new long[] {1},
              pictures.pictures(),
              keep,
              1,
              DiffusionModel.Options.DEFAULT);
      assertThat(kept).isEqualTo(model.reconstruct(pictures.pictures(), 1));
    }
  }

  @Test
  void combinationsThatCannotBeTrainedAreRefused() {
    assertThatThrownBy(() -> config(uNet(3), null, null, 0.1))
        .hasMessageContaining("model.context_dimension=8, expected 0");
    DenoiserConfig without = Learners.uNet(4, 8);
    assertThatThrownBy(() -> config(without, TEXT, null, 0.1))
        .hasMessageContaining("model.context_dimension=0");
    assertThatThrownBy(() -> config(uNet(3), TEXT, null, 1))
        .hasMessageContaining("context_dropout=1.0");
    assertThatThrownBy(() -> config(uNet(4), TEXT, FIRST_STAGE, 0.1))
        .hasMessageContaining("model.channels=4, expected 3 as the latents of");
    assertThatThrownBy(() -> text(13, TextPooling.LAST)).hasMessageContaining("text.tokens=13");
    assertThatThrownBy(() -> text(6, TextPooling.NONE, 5, false))
        .hasMessageContaining("pooling_after=5, expected 0, as pooling is none");
    assertThatThrownBy(() -> text(6, TextPooling.LAST, -1, false))
        .hasMessageContaining("pooling_after=-1");
    TextEncoder.Config few = new TextEncoder.Config(5, WIDTH, 16, 1, 2, 12, 1e-5);
    DiffusionLearnerConfig unfit =
        config(
            uNet(3),
            new TextContext.Encoder("words", 6, TextPooling.LAST, 0, false, few),
            null,
            0.1);
    assertThatThrownBy(() -> unfit.create(context(1, DataType.FLOAT, Reducer.ALONE, 1)))
        .hasMessageContaining("vocab_size=5");
    Pretrained other = new Pretrained(JSON.createObjectNode(), Map.of(), Map.of());
    assertThatThrownBy(() -> new DiffusionModel(other, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not of a diffusion model");
  }
}

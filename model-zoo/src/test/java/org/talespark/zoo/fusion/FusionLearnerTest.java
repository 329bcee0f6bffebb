package org.talespark.zoo.fusion;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.train.LearnerArrays.arrays;
import static org.talespark.zoo.train.LearnerArrays.assertSameBits;
import static org.talespark.zoo.train.LearnerArrays.copies;
import static org.talespark.zoo.train.LearnerArrays.largestDifference;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.contrastive.ClipEmbedder;
import org.talespark.zoo.contrastive.ClipExport;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.contrastive.GlobalLoss;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.io.ExportedModel;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.text.TokenizerFiles;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.HeldOut;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NonFiniteException;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.SampleRows;
import org.talespark.zoo.train.TrainedRun;

class FusionLearnerTest {
  private static final FusionEncoder.Direction TEXT = FusionEncoder.Direction.TEXT;
  private static final FusionEncoder.Direction BOTH = FusionEncoder.Direction.BOTH;
  private static final Objectives ALL = new Objectives(Fusions.SOFTMAX, Fusions.MLM, Fusions.HARD);
  private static final double RATE = 4e-3;

  private static Learner learner(FusionLearnerConfig config, int batch, DataType type) {
    return config.create(Fusions.context(batch, type, Reducer.ALONE, RATE));
  }

  private static Progress progress(long step) {
    return new Progress(step, 0);
  }

  // --- the loss and its gradient

  private static List<Arguments> combinations() {
    return List.of(
        Arguments.of(TEXT, ALL),
        Arguments.of(BOTH, ALL),
        Arguments.of(TEXT, new Objectives(Fusions.SIGMOID, Fusions.MLM, Fusions.HARD)),
        Arguments.of(TEXT, new Objectives(Fusions.SOFTMAX, Fusions.MLM, null)),
        Arguments.of(BOTH, new Objectives(Fusions.SIGMOID, null, Fusions.HARD)),
        Arguments.of(TEXT, new Objectives(null, Fusions.MLM, Fusions.RANDOM)),
        Arguments.of(TEXT, new Objectives(null, null, Fusions.RANDOM)),
        Arguments.of(BOTH, new Objectives(null, Fusions.MLM, null)));
  }

  /** A step of plain descent with rate 1, whose weights change by minus the gradient. */
  @ParameterizedTest
  @MethodSource("combinations")
  void aStepHasTheLossAndTheGradientOfPairsTakenOneByOne(
      FusionEncoder.Direction direction, Objectives objectives) {
    FusionLearnerConfig config =
        Fusions.config(direction, objectives, new OptimizerConfig.Sgd(0, false, 0), 1e9);
    int count = 5;
    int batch = 6; // one place stays empty
    LearnerContext context = Fusions.context(batch, DataType.DOUBLE, Reducer.ALONE, 1);
    Batch pairs = Fusions.batch(2, 13, count);
    try (Learner learner = config.create(context);
        CompiledGraph whole = whole(config, pairs)) {
      whole.run();
      Map<String, INDArray> before = new LinkedHashMap<>();
      learner.model().forEach((name, array) -> before.put(name, array.dup()));
      assertThat(before.keySet())
          .containsExactlyInAnyOrderElementsOf(whole.parameters().views().keySet());
      Map<String, Double> losses = learner.step(pairs, progress(7)).losses();

      double sum = 0;
      for (String name : List.of("contrastive", "mlm", "itm")) {
        if (losses.containsKey(name + "_loss")) {
          double expected = whole.output(name).getDouble(0);
          double weight = weight(objectives, name);
          assertThat(weight * losses.get(name + "_loss"))
              .as(name)
              .isCloseTo(expected, Offset.offset(1e-12));
          sum += expected;
        }
      }
      assertThat(losses.get("loss")).isCloseTo(sum, Offset.offset(1e-12));
      before.forEach(
          (name, array) -> {
            INDArray gradient = array.sub(learner.model().get(name));
            INDArray expected = whole.gradients().view(name);
            assertThat(largestDifference(gradient, expected)).as(name).isLessThan(1e-12);
          });
    }
  }

  private static double weight(Objectives objectives, String name) {
    return switch (name) {
      case "contrastive" -> objectives.contrastive().weight();
      case "mlm" -> objectives.mlm().weight();
      default -> objectives.itm().weight();
    };
  }

  /** The reference for step 7 of seed 3, with the masks and negatives of that step. */
  private static CompiledGraph whole(FusionLearnerConfig config, Batch batch) {
    Objectives objectives = config.objectives();
    int n = batch.size();
    long[] keys = batch.keys().stream().mapToLong(key -> NoiseKey.training(3, 7, key)).toArray();
    Tokenizer tokenizer = new Tokenizer(Fusions.tokenizer());
    MaskVocabulary vocabulary = MaskVocabulary.of(tokenizer, "<mask>");
    try (ClipTexts texts = new ClipTexts(config.model().clip(), tokenizer, Fusions.LENGTH)) {
      ClipTexts.Rows own = texts.encode(batch.captions(), n);
      assertThat(Arrays.stream(own.ends()).map(end -> end % Fusions.LENGTH).distinct().count())
          .isGreaterThan(1); // texts differ in length
      MaskedTokens masked = new MaskedTokens(vocabulary, Fusions.MLM.share(), n, Fusions.LENGTH);
      masked.draw(own, Arrays.stream(keys).map(MaskedTokens::key).toArray());
      ClipTexts.Rows negatives = null;
      if (objectives.itm() != null) {
        negatives = negatives(config, batch, own, masked, keys);
      }
      WholeLoss.Inputs inputs = new WholeLoss.Inputs(batch.pictures(), n, own, masked, negatives);
      return new WholeLoss(config, 3).build(inputs);
    }
  }

  private static ClipTexts.Rows negatives(
      FusionLearnerConfig config,
      Batch batch,
      ClipTexts.Rows own,
      MaskedTokens masked,
      long[] keys) {
    int n = batch.size();
    Objectives objectives = config.objectives();
    NegativeTexts negatives =
        new NegativeTexts(
            objectives.itm().negatives(), config.model().clip(), Reducer.ALONE, n, Fusions.LENGTH);
    if (objectives.itm().negatives() == Objectives.Negatives.RANDOM) {
      return negatives.draw(own, keys, null).texts();
    }
    Objectives alone = new Objectives(objectives.contrastive(), Fusions.MLM, null);
    FusionLearnerConfig towers = Fusions.config(TEXT, alone);
    WholeLoss.Inputs inputs = new WholeLoss.Inputs(batch.pictures(), n, own, masked, null);
    try (CompiledGraph graph = new WholeLoss(towers, 3).build(inputs);
        GlobalLoss loss =
            new GlobalLoss(objectives.contrastive().loss(), Reducer.ALONE, DataType.DOUBLE, n, 8)) {
      graph.run();
      loss.compute(graph.output("images"), graph.output("texts"), n, 1 / 0.07, -3);
      return negatives.draw(own, keys, loss).texts();
    }
  }

  // --- learning

  @Test
  void theTaskIsLearnt() {
    FusionLearnerConfig config = Fusions.config(TEXT, ALL);
    try (Learner learner = learner(config, 16, DataType.FLOAT)) {
      Map<String, Double> first = learner.step(Fusions.batch(0, 0, 16), progress(0)).losses();
      Map<String, Double> last = Map.of();
      for (int step = 1; step < 400; step++) {
        last = learner.step(Fusions.batch(step, 0, 16), progress(step)).losses();
      }
      assertThat(last.get("loss")).isLessThan(first.get("loss") / 4);
      Batch heldOut = Fusions.batch(7777, 0, 16);
      HeldOut captions = HeldOut.of(heldOut.captions());
      Map<String, Double> metrics =
          config.metrics(learner.evaluate(heldOut, captions), learner.evaluationRows(heldOut));
      // half of the words are colours, which the text does not tell
      assertThat(metrics.get("mlm_accuracy")).isGreaterThan(0.85);
      assertThat(metrics.get("itm_accuracy")).isGreaterThan(0.9);
      assertThat(metrics.get("image_to_text_r1")).isGreaterThan(0.9);
      assertThat(metrics).containsKey(config.bestMetric()).containsEntry("pairs", 16.0);
      assertThat(learner.samples(heldOut)).isEmpty();
    }
  }

  @Test
  void theSameSeedGivesTheSameLossesToTheBitAndEveryStepOtherMasks() {
    List<Map<String, Double>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (Learner learner = learner(Fusions.config(BOTH, ALL), 4, DataType.FLOAT)) {
        for (int step = 0; step < 3; step++) {
          runs.add(learner.step(Fusions.batch(0, 0, 4), progress(step)).losses());
        }
      }
    }
    assertThat(runs.subList(0, 3)).isEqualTo(runs.subList(3, 6));
    assertThat(runs.get(0).keySet())
        .containsExactly(
            "loss",
            "contrastive_loss",
            "image_accuracy",
            "text_accuracy",
            "logit_scale",
            "mlm_loss",
            "mlm_accuracy",
            "masked_tokens",
            "itm_loss",
            "itm_accuracy",
            "cut_captions",
            "gradient_norm",
            "learning_rate");
    try (Learner one = learner(Fusions.config(TEXT, ALL), 4, DataType.DOUBLE);
        Learner other = learner(Fusions.config(TEXT, ALL), 4, DataType.DOUBLE)) {
      Map<String, Double> a = one.step(Fusions.batch(0, 0, 4), progress(0)).losses();
      Map<String, Double> b = other.step(Fusions.batch(0, 0, 4), progress(1)).losses();
      assertThat(b.get("contrastive_loss")).isEqualTo(a.get("contrastive_loss"));
      assertThat(b.get("mlm_loss")).isNotEqualTo(a.get("mlm_loss"));
    }
  }

  @Test
  void missingWordsMoveThePictureTowerAndTheirOwnHead() {
    FusionLearnerConfig config = Fusions.config(TEXT, new Objectives(null, Fusions.MLM, null));
    try (Learner learner = learner(config, 4, DataType.DOUBLE)) {
      Map<String, INDArray> before = new LinkedHashMap<>();
      learner.model().forEach((name, array) -> before.put(name, array.dup()));
      assertThat(before).doesNotContainKey("logit_scale").containsKey("mlm_head.dense.weight");
      learner.step(Fusions.batch(0, 0, 4), progress(0));
      for (String name :
          List.of(
              "vision_model.embeddings.patch_embedding.weight",
              "mlm_head.dense.weight",
              "mlm_head.bias")) {
        assertThat(largestDifference(learner.model().get(name), before.get(name)))
            .as(name)
            .isPositive();
      }
    }
  }

  @Test
  void savedAndLoadedTrainingEqualsUninterrupted() {
    FusionLearnerConfig config = Fusions.config(TEXT, ALL);
    try (Learner whole = learner(config, 4, DataType.FLOAT);
        Learner resumed = learner(config, 4, DataType.FLOAT)) {
      for (int step = 0; step < 3; step++) {
        whole.step(Fusions.batch(step, 0, 4), progress(step));
      }
      Map<String, INDArray> live = arrays(resumed);
      copies(whole).forEach((name, array) -> live.get(name).assign(array));
      resumed.restored(whole.counters());
      for (int step = 3; step < 6; step++) {
        Batch batch = Fusions.batch(step, 0, 4);
        Map<String, Double> expected = whole.step(batch, progress(step)).losses();
        assertThat(resumed.step(batch, progress(step)).losses()).isEqualTo(expected);
      }
      assertSameBits(resumed, arrays(whole));
    }
  }

  // --- evaluation

  @Test
  void noDivisionOfTheHeldOutPairsChangesTheirFigures() {
    FusionLearnerConfig config = Fusions.config(TEXT, ALL);
    List<String> captions = Fusions.batch(9, 0, 11).captions();
    HeldOut all = HeldOut.of(captions);
    try (Learner learner = learner(config, 11, DataType.DOUBLE)) {
      learner.step(Fusions.batch(0, 0, 11), progress(0));
      Map<String, double[]> whole = learner.evaluate(Fusions.batch(9, 0, 11), all);
      SampleRows rows = learner.evaluationRows(Fusions.batch(9, 0, 11));
      Map<String, double[]> sums = new LinkedHashMap<>();
      List<SampleRows> parts = new ArrayList<>();
      for (int[] part : new int[][] {{0, 2}, {2, 5}, {7, 4}}) {
        Batch batch = Fusions.batch(9, part[0], part[1]);
        learner
            .evaluate(batch, all)
            .forEach(
                (name, values) ->
                    sums.merge(
                        name,
                        values,
                        (a, b) ->
                            IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray()));
        parts.add(learner.evaluationRows(batch));
      }
      assertThat(sums.keySet()).isEqualTo(whole.keySet());
      whole.forEach(
          (name, values) ->
              assertThat(sums.get(name)).as(name).containsExactly(values, Offset.offset(1e-10)));
      assertThat(whole.get("matched")[0]).isEqualTo(22); // each with its own caption and another
      Map<String, Double> metrics = config.metrics(sums, SampleRows.joined(parts));
      assertThat(metrics).containsOnlyKeys(config.metrics(whole, rows).keySet());
      assertThat(metrics.get("mean_recall"))
          .isEqualTo(config.metrics(whole, rows).get("mean_recall"));
    }
  }

  @Test
  void evaluationUsesTheAveragedWeights() {
    FusionLearnerConfig config = Fusions.config(BOTH, ALL);
    try (Learner learner = learner(config, 3, DataType.FLOAT);
        Learner averaged = learner(config, 3, DataType.FLOAT)) {
      for (int step = 0; step < 4; step++) {
        learner.step(Fusions.batch(step, 0, 3), progress(step));
      }
      learner.ema().forEach((name, array) -> averaged.ema().get(name).assign(array));
      Batch batch = Fusions.batch(50, 0, 3);
      assertThat(learner.evaluate(batch).get("masked"))
          .containsExactly(averaged.evaluate(batch).get("masked"));
      assertThat(learner.evaluate(batch).get("matched"))
          .containsExactly(averaged.evaluate(batch).get("matched"));
    }
  }

  @Test
  void heldOutCaptionsThatAreAllTheSameLeaveNoPairsToJudge() {
    FusionLearnerConfig config = Fusions.config(TEXT, new Objectives(null, null, Fusions.RANDOM));
    try (Learner learner = learner(config, 2, DataType.FLOAT)) {
      Batch good = Fusions.batch(0, 0, 2);
      Batch same = new Batch(good.keys(), good.pictures(), List.of("red low", "red low"));
      assertThat(learner.evaluate(same).get("matched")).containsExactly(0, 0, 0);
      assertThat(config.metrics(learner.evaluate(same))).containsEntry("itm_accuracy", 0.0);
      assertThat(config.bestMetric()).isEqualTo("itm_accuracy");
      assertThat(learner.evaluationRows(same)).isSameAs(SampleRows.NONE);
      Map<String, Double> losses = learner.step(same, progress(0)).losses();
      assertThat(losses.get("itm_loss")).isFinite().isPositive(); // of the pairs alone
    }
  }

  // --- several workers

  /** On the same pairs whatever the division. */
  private static TrainedRun train(
      FusionLearnerConfig config, DataType type, int batch, int... counts) throws Exception {
    return TrainedRun.of(
        counts.length,
        4,
        reducer -> config.create(Fusions.context(batch, type, reducer, RATE)),
        (step, rank) -> Fusions.batch(step, Arrays.stream(counts, 0, rank).sum(), counts[rank]));
  }

  private static List<Arguments> divided() {
    Objectives sigmoid = new Objectives(Fusions.SIGMOID, Fusions.MLM, Fusions.HARD);
    Objectives random = new Objectives(null, Fusions.MLM, Fusions.RANDOM);
    return List.of(
        Arguments.of(TEXT, ALL, 9, new int[] {9, 9}),
        Arguments.of(TEXT, ALL, 9, new int[] {9, 9, 0}),
        Arguments.of(TEXT, ALL, 7, new int[] {7, 5, 6}),
        Arguments.of(BOTH, ALL, 6, new int[] {6, 6, 6}),
        Arguments.of(TEXT, sigmoid, 11, new int[] {11, 7}),
        Arguments.of(TEXT, random, 7, new int[] {7, 7, 4}));
  }

  @ParameterizedTest
  @MethodSource("divided")
  void workersTrainAsOneWithTheWholeBatchAlsoWithUnevenBatches(
      FusionEncoder.Direction direction, Objectives objectives, int batch, int[] counts)
      throws Exception {
    FusionLearnerConfig config = Fusions.config(direction, objectives);
    TrainedRun one = train(config, DataType.DOUBLE, 18, 18);
    TrainedRun several = train(config, DataType.DOUBLE, batch, counts);
    several.assertLossesOf(one, 1e-11);
    several
        .end()
        .forEach(
            (name, array) -> {
              INDArray expected = one.end().get(name);
              double scale = Math.max(1e-3, expected.norm2Number().doubleValue());
              if (!name.endsWith("k_proj.bias")) { // softmax forgets it: its gradient is rounding
                assertThat(array.distance2(expected) / scale).as(name).isLessThan(1e-10);
              }
            });
  }

  // --- what is refused

  @Test
  void whatDoesNotFitIsRefusedWithWhatToDo() {
    FusionLearnerConfig config = Fusions.config(TEXT, ALL);
    LearnerContext noMask =
        Fusions.context(
            2, DataType.FLOAT, Reducer.ALONE, RATE, tokenizerWithout("<mask>", "<other>"));
    assertThatThrownBy(() -> config.create(noMask))
        .hasMessageContaining("no special token <mask>")
        .hasMessageContaining("--special '<mask>'");
    FusionLearnerConfig other =
        Fusions.config(
            TEXT, new Objectives(null, new Objectives.MaskedLanguage(1, null, "<other>"), null));
    other.create(noMask).close();
    LearnerContext tooMany =
        Fusions.context(
            2,
            DataType.FLOAT,
            Reducer.ALONE,
            RATE,
            TokenizerFiles.wordsWithMask(
                "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"));
    assertThatThrownBy(() -> config.create(tooMany))
        .hasMessageContaining("tokens=18 text_config.vocab_size=17");
  }

  private static byte[] tokenizerWithout(String name, String instead) {
    String file = new String(Fusions.tokenizer(), UTF_8);
    return file.replace(name, instead).getBytes(UTF_8);
  }

  @Test
  void weightsThatAreNotFiniteStopTheRunByItsKeysAndUpdateNothing() {
    try (Learner learner = learner(Fusions.config(TEXT, ALL), 2, DataType.FLOAT)) {
      learner.model().get("itm_head.fc2.weight").putScalar(0, 0, Float.NaN);
      Map<String, INDArray> before = copies(learner);
      assertThatThrownBy(() -> learner.step(Fusions.batch(0, 0, 2), progress(3)))
          .isInstanceOf(NonFiniteException.class)
          .hasMessageContaining("step=3")
          .hasMessageContaining("pair-0-0");
      arrays(learner)
          .forEach(
              (name, array) -> {
                if (!name.equals("model/itm_head.fc2.weight")) {
                  assertThat(largestDifference(array, before.get(name))).as(name).isZero();
                }
              });
    }
  }

  @Test
  void whatACheckpointHoldsNamesTowersAsClipDoes() {
    try (Learner learner = learner(Fusions.config(BOTH, ALL), 2, DataType.FLOAT)) {
      assertThat(learner.model().keySet())
          .contains(
              "logit_scale",
              "text_projection.weight",
              "visual_projection.weight",
              "text_model.encoder.layers.0.self_attn.q_proj.weight",
              "vision_model.post_layernorm.weight",
              "fusion.layers.0.text.cross_attn.k_proj.weight",
              "fusion.layers.0.picture.cross_attn.v_proj.bias",
              "itm_head.fc1.weight",
              "mlm_head.bias");
      assertThat(learner.files()).containsOnlyKeys("tokenizer.json", "preprocessor_config.json");
      assertThat(learner.files().get("tokenizer.json")).isEqualTo(Fusions.tokenizer());
      assertThat(learner.memoryReport()).contains("fusion model of");
    }
  }

  @ParameterizedTest
  @MethodSource("contrastive")
  void theTowersOfACheckpointAreAClip(Objectives objectives) {
    FusionLearnerConfig config = Fusions.config(TEXT, objectives);
    Batch batch = Fusions.batch(3, 0, 4);
    try (Learner learner = learner(config, 4, DataType.FLOAT)) {
      for (int step = 0; step < 3; step++) {
        learner.step(Fusions.batch(step, 0, 4), progress(step));
      }
      Pretrained saved =
          new Pretrained(
              new ObjectMapper().valueToTree(config.modelConfig(Fusions.SIZE)),
              copies(learner.ema()),
              learner.files());
      SampleRows rows = learner.evaluationRows(batch);
      int picture = 3 * Fusions.SIZE * Fusions.SIZE;
      List<float[]> pictures =
          IntStream.range(0, 4)
              .mapToObj(i -> Arrays.copyOfRange(batch.pictures(), i * picture, (i + 1) * picture))
              .toList();
      try (ClipEmbedder embedder = new ClipEmbedder(saved, 4)) {
        assertRows(embedder.pictures(pictures), rows.rows().get("image_embeds"));
        assertRows(embedder.texts(batch.captions()), rows.rows().get("text_embeds"));
      }
      ExportedModel exported = ClipExport.of(saved);
      assertThat(exported.classes()).containsEntry(".", "CLIPModel");
      assertThat(exported.notes()).anyMatch(note -> note.contains("towers of a fusion model"));
    }
  }

  private static List<Objectives> contrastive() {
    return List.of(ALL, new Objectives(Fusions.SIGMOID, Fusions.MLM, Fusions.HARD));
  }

  private static void assertRows(List<float[]> rows, float[][] expected) {
    assertThat(rows).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(rows.get(i)).containsExactly(expected[i], Offset.offset(1e-5f));
    }
  }

  @Test
  void withoutTheContrastiveObjectiveThereIsNoClip() {
    FusionLearnerConfig config = Fusions.config(TEXT, new Objectives(null, Fusions.MLM, null));
    try (Learner learner = learner(config, 2, DataType.FLOAT)) {
      Pretrained saved =
          new Pretrained(
              new ObjectMapper().valueToTree(config.modelConfig(Fusions.SIZE)),
              copies(learner.ema()),
              learner.files());
      assertThatThrownBy(() -> new ClipEmbedder(saved, 2))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Cannot use checkpoint as CLIP: tensor=")
          .hasMessageContaining("is missing");
    }
  }
}

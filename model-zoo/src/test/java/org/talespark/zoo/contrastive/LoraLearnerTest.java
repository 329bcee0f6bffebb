package org.talespark.zoo.contrastive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.train.LearnerArrays.arrays;
import static org.talespark.zoo.train.LearnerArrays.assertSameBits;
import static org.talespark.zoo.train.LearnerArrays.copies;
import static org.talespark.zoo.train.LearnerArrays.largestDifference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.lora.LoraConfig;
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.lora.TargetModules;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.FrozenBase;
import org.talespark.zoo.train.InProcessWorkers;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.TrainedBytes;
import org.talespark.zoo.train.TrainedRun;

/** Training of adapters alone. */
class LoraLearnerTest {
  private static final PairLoss SOFTMAX = new PairLoss.Softmax();
  private static final FrozenBase BASE = new FrozenBase("base", "ab12");
  private static final LoraConfig LORA =
      new LoraConfig(
              4, 8, TargetModules.named(List.of("q_proj", "v_proj", "out_proj", "fc1", "fc2")))
          .on(BASE);

  /** Of one layer each: q, v and out 2 r D, fc1 and fc2 r (D + F). */
  private static final long TRAINED = 2 * 4 * (3 * 2 * 16 + 2 * (16 + 32));

  private final Pretrained base = base(Map.of());

  /** A model after some steps on other pictures of the same kind. */
  private static Pretrained base(Map<String, byte[]> otherFiles) {
    ContrastiveLearnerConfig config = Pairs.config(SOFTMAX);
    try (Learner learner = config.create(Pairs.context(4, DataType.FLOAT, Reducer.ALONE))) {
      for (int step = 0; step < 5; step++) {
        learner.step(Pairs.batch(step, 0, 4), progress(step));
      }
      Map<String, INDArray> tensors = new HashMap<>();
      learner.ema().forEach((name, array) -> tensors.put(name, array.dup()));
      Map<String, byte[]> files = new HashMap<>(learner.files());
      files.putAll(otherFiles);
      JsonNode file = new ObjectMapper().valueToTree(config.modelConfig(Pairs.SIZE));
      return new Pretrained(file, tensors, files);
    }
  }

  private static ContrastiveLearnerConfig config(PairLoss loss, LoraConfig lora) {
    ContrastiveLearnerConfig all = Pairs.config(loss);
    return new ContrastiveLearnerConfig(
        all.model(),
        loss,
        all.tokenizer(),
        all.contextLength(),
        all.optimizer(),
        all.schedule(),
        all.clipNorm(),
        all.emaDecay(),
        lora);
  }

  private static LearnerContext context(
      int batch, DataType type, Reducer reducer, Pretrained opened) {
    LearnerContext context = Pairs.context(batch, type, reducer);
    return new LearnerContext(
        context.batch(),
        context.size(),
        context.seed(),
        context.learningRate(),
        context.type(),
        context.reducer(),
        uri -> {
          assertThat(uri).isEqualTo("base");
          return opened;
        },
        context.files());
  }

  private Learner learner(int batch, DataType type, Reducer reducer) {
    return config(SOFTMAX, LORA).create(context(batch, type, reducer, base));
  }

  private static Progress progress(long step) {
    return new Progress(step, 0);
  }

  @Test
  void onlyAdaptersAreInGradientOptimizerAverageAndCheckpoint() {
    try (Learner learner = learner(4, DataType.FLOAT, Reducer.ALONE)) {
      assertThat(learner.parameters()).hasSize(1);
      assertThat(learner.parameters().get(0).length()).isEqualTo(TRAINED);
      assertThat(((ContrastiveLearner) learner).descent().sums().await().length())
          .as("gradients, which are exchanged")
          .isEqualTo(TRAINED);
      long state = learner.state().values().stream().mapToLong(INDArray::length).sum();
      assertThat(state).as("both moments").isEqualTo(2 * TRAINED);
      assertThat(TrainedBytes.of(learner))
          .isEqualTo(new TrainedBytes(4 * TRAINED, 4 * TRAINED, 8 * TRAINED, 4 * TRAINED));
      assertThat(learner.ema().keySet()).isEqualTo(learner.model().keySet());
      assertThat(learner.model().values().stream().mapToLong(INDArray::length).sum())
          .isEqualTo(TRAINED);
      assertThat(learner.model().keySet())
          .hasSize(2 * 2 * 5)
          .allMatch(name -> name.matches("base_model\\.model\\..+\\.lora_[AB]\\.weight"));
      assertThat(learner.memoryReport())
          .contains("adapters of %d parameters on a contrastive model of".formatted(TRAINED));
    }
  }

  @Test
  void trainingLeavesTheBaseAsItIsToTheBit() {
    Map<String, INDArray> before = copies(base.tensors());
    try (Learner learner = learner(8, DataType.FLOAT, Reducer.ALONE)) {
      Map<String, INDArray> first = copies(learner.model());
      for (int step = 0; step < 3; step++) {
        learner.step(Pairs.batch(step, 0, 8), progress(step));
        learner.evaluationRows(Pairs.batch(99, 0, 8));
      }
      learner
          .model()
          .forEach(
              (name, array) ->
                  assertThat(largestDifference(array, first.get(name))).as(name).isPositive());
    }
    before.forEach(
        (name, array) -> assertThat(largestDifference(base.tensor(name), array)).as(name).isZero());
  }

  @Test
  void theTaskIsLearntAndTheCheckpointsFilesGiveTheSameEmbeddings() {
    Batch heldOut = Pairs.batch(777, 0, 16);
    try (Learner learner = learner(16, DataType.FLOAT, Reducer.ALONE)) {
      double untrained = recall(learner, heldOut);
      for (int step = 0; step < 250; step++) {
        learner.step(Pairs.batch(step, 0, 16), progress(step));
      }
      assertThat(recall(learner, heldOut)).isGreaterThan(0.8).isGreaterThan(untrained + 0.2);
      // what a checkpoint holds, merged into another copy of the base
      PeftAdapter adapter = PeftAdapter.of(learner.files().get(PeftAdapter.CONFIG), learner.ema());
      assertThat(PeftAdapter.base(learner.files().get(PeftAdapter.CONFIG))).contains("base");
      Map<String, INDArray> merged = copies(base.tensors());
      adapter.mergeInto(merged);
      Map<String, float[][]> rows = learner.evaluationRows(heldOut).rows();
      try (Learner whole =
          Pairs.config(SOFTMAX).create(Pairs.context(16, DataType.FLOAT, Reducer.ALONE))) {
        merged.forEach((name, array) -> whole.ema().get(name).assign(array));
        whole
            .evaluationRows(heldOut)
            .rows()
            .forEach(
                (name, found) -> {
                  for (int i = 0; i < found.length; i++) {
                    assertThat(found[i])
                        .as(name)
                        .containsExactly(rows.get(name)[i], Offset.offset(1e-5f));
                  }
                });
      }
    }
  }

  private static double recall(Learner learner, Batch batch) {
    return Pairs.config(SOFTMAX)
        .metrics(learner.evaluate(batch), learner.evaluationRows(batch))
        .get(Retrieval.MEAN);
  }

  private static LoraConfig dropping(double rate) {
    return new LoraConfig(4, 8, LORA.targetModules(), rate, null, BASE);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3})
  void savedAndLoadedTrainingEqualsUninterrupted(double dropout) {
    ContrastiveLearnerConfig config = config(SOFTMAX, dropping(dropout));
    LearnerContext context = context(4, DataType.FLOAT, Reducer.ALONE, base);
    try (Learner whole = config.create(context);
        Learner resumed = config.create(context)) {
      for (int step = 0; step < 3; step++) {
        whole.step(Pairs.batch(step, 0, 4), progress(step));
      }
      Map<String, INDArray> live = arrays(resumed);
      arrays(whole).forEach((name, array) -> live.get(name).assign(array));
      resumed.restored(whole.counters());
      for (int step = 3; step < 6; step++) {
        assertThat(resumed.step(Pairs.batch(step, 0, 4), progress(step)).losses())
            .isEqualTo(whole.step(Pairs.batch(step, 0, 4), progress(step)).losses());
      }
      assertSameBits(resumed, arrays(whole));
    }
  }

  /** On the same pairs whatever the number of workers. */
  private TrainedRun train(PairLoss loss, int workers) throws Exception {
    int each = 12 / workers;
    return TrainedRun.of(
        workers,
        4,
        reducer -> config(loss, LORA).create(context(each, DataType.DOUBLE, reducer, base)),
        (step, rank) -> Pairs.batch(step, rank * each, each));
  }

  @ParameterizedTest
  @CsvSource({"2", "3"})
  void workersTrainAsOneWithTheWholeBatch(int workers) throws Exception {
    TrainedRun one = train(SOFTMAX, 1);
    TrainedRun several = train(SOFTMAX, workers);
    for (int step = 0; step < one.losses().size(); step++) {
      Map<String, Double> expected = one.losses().get(step);
      several
          .losses()
          .get(step)
          .forEach(
              (name, value) ->
                  assertThat(value).as(name).isCloseTo(expected.get(name), Offset.offset(1e-10)));
    }
    several
        .end()
        .forEach(
            (name, array) ->
                assertThat(largestDifference(array, one.end().get(name)))
                    .as(name)
                    .isLessThan(1e-9));
  }

  private static Map<String, INDArray> afterAStep(Learner learner, Batch batch) {
    learner.step(batch, progress(3));
    return copies(learner.model());
  }

  @Test
  void whatIsLeftOutFollowsTheSampleWhateverTheWorkersAndOnlyInTraining() throws Exception {
    ContrastiveLearnerConfig dropping = config(SOFTMAX, dropping(0.5));
    List<Map<String, INDArray>> two =
        new InProcessWorkers(2)
            .run(
                reducer -> {
                  LearnerContext context = context(4, DataType.FLOAT, reducer, base);
                  try (Learner learner = dropping.create(context)) {
                    return afterAStep(learner, Pairs.batch(3, reducer.rank() * 4, 4));
                  }
                });
    LearnerContext alone = context(8, DataType.FLOAT, Reducer.ALONE, base);
    try (Learner one = dropping.create(alone);
        Learner without = config(SOFTMAX, LORA).create(alone)) {
      Map<String, float[][]> before = without.evaluationRows(Pairs.batch(9, 0, 8)).rows();
      one.evaluationRows(Pairs.batch(9, 0, 8))
          .rows()
          .forEach((name, rows) -> assertThat(rows).as(name).isDeepEqualTo(before.get(name)));
      Map<String, INDArray> ofOne = afterAStep(one, Pairs.batch(3, 0, 8));
      Map<String, INDArray> others = afterAStep(without, Pairs.batch(3, 0, 8));
      String b = "base_model.model.text_model.encoder.layers.0.mlp.fc1.lora_B.weight";
      assertThat(largestDifference(ofOne.get(b), others.get(b))).isGreaterThan(1e-4);
      ofOne.forEach(
          (name, array) ->
              assertThat(largestDifference(two.get(0).get(name), array)).as(name).isLessThan(1e-4));
    }
    LearnerContext exact = context(4, DataType.DOUBLE, Reducer.ALONE, base);
    assertThatThrownBy(() -> dropping.create(exact))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Cannot build dropout: type=DOUBLE rate=0.5");
  }

  @Test
  void theScaleOfSimilaritiesIsTheBases() {
    try (Learner learner = learner(4, DataType.FLOAT, Reducer.ALONE)) {
      double scale = Math.exp(base.tensor("logit_scale").getDouble(0));
      for (int step = 0; step < 2; step++) {
        assertThat(learner.step(Pairs.batch(step, 0, 4), progress(step)).losses())
            .containsEntry("logit_scale", scale);
      }
    }
  }

  @Test
  void aBaseWhoseProcessorHasAnotherScaleSeesItsOwnPictures() {
    String other =
        """
        {"do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
         "image_mean": [0.5, 0.25, 0.5], "image_std": [0.5, 0.25, 1.0]}
        """;
    Pretrained foreign = base(Map.of(ClipFile.PREPROCESSOR, other.getBytes(UTF_8)));
    Batch batch = Pairs.batch(5, 0, 4);
    float[] scaled = batch.pictures().clone();
    int pixels = Pairs.SIZE * Pairs.SIZE;
    for (int i = 0; i < scaled.length; i++) {
      double unit = (scaled[i] + 1) / 2; // 0 to 1
      int channel = i / pixels % 3;
      double mean = channel == 1 ? 0.25 : 0.5;
      double deviation = channel == 0 ? 0.5 : channel == 1 ? 0.25 : 1;
      scaled[i] = (float) ((unit - mean) / deviation);
    }
    Batch same = new Batch(batch.keys(), scaled, batch.captions());
    try (Learner own = learner(4, DataType.FLOAT, Reducer.ALONE);
        Learner other1 =
            config(SOFTMAX, LORA).create(context(4, DataType.FLOAT, Reducer.ALONE, foreign))) {
      assertThat(other1.files().get(ClipFile.PREPROCESSOR)).isEqualTo(other.getBytes(UTF_8));
      float[][] found = other1.evaluationRows(batch).rows().get(ClipModel.IMAGE_EMBEDS);
      float[][] expected = own.evaluationRows(same).rows().get(ClipModel.IMAGE_EMBEDS);
      for (int i = 0; i < 4; i++) {
        assertThat(found[i]).containsExactly(expected[i], Offset.offset(1e-5f));
      }
    }
  }

  // --- the base

  @Test
  void modelAndTokenizerComeWithTheBase() {
    ContrastiveLearnerConfig open =
        new ContrastiveLearnerConfig(
            null,
            SOFTMAX,
            null,
            6,
            Pairs.config(SOFTMAX).optimizer(),
            Pairs.config(SOFTMAX).schedule(),
            1,
            0.9,
            LORA.on(null));
    assertThat(open.keepsBase()).isTrue();
    assertThat(open.base()).isEmpty();
    ContrastiveLearnerConfig whole = (ContrastiveLearnerConfig) open.onBase(BASE, base.config());
    assertThat(whole.model()).isEqualTo(Pairs.model(Pairs.END));
    assertThat(whole.tokenizer()).isEqualTo("base");
    assertThat(whole.base()).contains(BASE);
    JsonNode file = new ObjectMapper().valueToTree(whole.modelConfig(Pairs.SIZE));
    assertThat(file.at("/base/checkpoint").asText()).isEqualTo("base");
    assertThat(file.at("/base/sha256").asText()).isEqualTo("ab12");
    assertThat(ClipFile.read(file)).isEqualTo(whole.model());
    assertThat(Pairs.config(SOFTMAX).keepsBase()).isFalse();
  }

  @Test
  void whatDoesNotFitTheBaseIsRefused() {
    ContrastiveLearnerConfig other = config(SOFTMAX, LORA.on(null));
    JsonNode larger = new ObjectMapper().valueToTree(ClipFile.write(Clips.CONFIG));
    assertThatThrownBy(() -> other.onBase(BASE, larger))
        .hasMessageContaining("leave task.model out");
    assertThatThrownBy(() -> other.create(context(4, DataType.FLOAT, Reducer.ALONE, base)))
        .hasMessageContaining("task.lora has no base")
        .hasMessageContaining("--base");
    LoraConfig unknown = new LoraConfig(4, 8, TargetModules.named(List.of("q_pro"))).on(BASE);
    assertThatThrownBy(() -> config(SOFTMAX, unknown).onBase(BASE, base.config()))
        .hasMessageContaining("did you mean q_proj");
    assertThatThrownBy(
            () -> config(SOFTMAX, unknown).create(context(4, DataType.FLOAT, Reducer.ALONE, base)))
        .hasMessageContaining("did you mean q_proj");
    assertThatThrownBy(
            () ->
                config(new PairLoss.Sigmoid(-3), LORA)
                    .create(context(4, DataType.FLOAT, Reducer.ALONE, base)))
        .hasMessageContaining("tensor logit_bias is missing");
    Map<String, byte[]> files = new HashMap<>(base.files());
    files.remove(ClipFile.PREPROCESSOR);
    Pretrained silent = new Pretrained(base.config(), base.tensors(), files);
    assertThatThrownBy(
            () -> config(SOFTMAX, LORA).create(context(4, DataType.FLOAT, Reducer.ALONE, silent)))
        .hasMessageContaining("file preprocessor_config.json is missing");
  }
}

package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.zoo.attributes.AttributeLearnerConfig;
import org.talespark.zoo.contrastive.ContrastiveLearnerConfig;
import org.talespark.zoo.contrastive.PairLoss;
import org.talespark.zoo.diffusion.DiffusionLearnerConfig;
import org.talespark.zoo.diffusion.LossWeighting;
import org.talespark.zoo.diffusion.NoiseConfig;
import org.talespark.zoo.diffusion.Sampler;
import org.talespark.zoo.diffusion.Spacing;
import org.talespark.zoo.fusion.FusionLearnerConfig;
import org.talespark.zoo.fusion.Objectives;
import org.talespark.zoo.language.LanguageLearnerConfig;
import org.talespark.zoo.train.FrozenBase;
import org.talespark.zoo.vq.FeatureLearnerConfig;
import org.talespark.zoo.vq.VqLearnerConfig;

class TrainConfigTest {

  private static TrainConfig recipe(String name, String... settings) {
    ConfigTree.Builder tree = ConfigTree.builder().recipe(name, TrainCommand.RECIPES);
    if (name.equals("vqgan")) {
      tree.set("task.perceptual.checkpoint=FEATURES");
    }
    for (String setting : settings) {
      tree.set(setting);
    }
    return tree.build().bind(TrainConfig.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vqvae",
        "vqgan",
        "vqgan-latents",
        "features",
        "language",
        "ddpm-scenes",
        "text2image-scenes",
        "dit-scenes",
        "attributes-scenes",
        "clip-scenes",
        "clip-lora-emoji",
        "fusion-scenes"
      })
  void recipesBindAndComeBackFromTheirOwnYaml(String name) {
    String[] needed =
        switch (name) {
          case "text2image-scenes", "dit-scenes" ->
              new String[] {"task.first_stage.checkpoint=hdfs:///a", "task.text.tokenizer=/b"};
          case "clip-scenes", "fusion-scenes" -> new String[] {"task.tokenizer=/b"};
          default -> new String[0];
        };
    TrainConfig config = recipe(name, needed);
    assertThat(config.train().workers()).isEqualTo(2);
    Class<?> expected =
        switch (name) {
          case "features" -> FeatureLearnerConfig.class;
          case "language" -> LanguageLearnerConfig.class;
          case "clip-scenes", "clip-lora-emoji" -> ContrastiveLearnerConfig.class;
          case "fusion-scenes" -> FusionLearnerConfig.class;
          case "ddpm-scenes", "text2image-scenes", "dit-scenes" -> DiffusionLearnerConfig.class;
          case "attributes-scenes" -> AttributeLearnerConfig.class;
          default -> VqLearnerConfig.class;
        };
    assertThat(config.task()).isInstanceOf(expected);
    TrainConfig completed =
        config.withTask(config.task().completed(() -> Map.of("red", 3L, "cat", 2L)));
    for (TrainConfig each : new TrainConfig[] {config, completed}) {
      TrainConfig back =
          ConfigTree.builder()
              .yaml("its YAML", ConfigTree.toYaml(each))
              .build()
              .bind(TrainConfig.class);
      assertThat(back).isEqualTo(each);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "task.model.num_key_value_heads=3, num_key_value_heads=3",
    "task.model.hidden_sise=64, task.model.hidden_size",
    "task.model.vocab_size=258, vocab_size=258",
    "task.context_length=129, context_length=129"
  })
  void aLanguageModelThatCannotWorkIsRefusedByItsKey(String setting, String words) {
    assertThatThrownBy(() -> recipe("language", setting))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(words);
  }

  @ParameterizedTest
  @CsvSource({
    "task.model.context_dimension=64, model.context_dimension=64",
    "task.model.channels=4, model.channels=4",
    "task.model.block_out_chanels=[8], did you mean task.model.block_out_channels?",
    "task.model.type=unett, task.model.type",
    "task.noise.step=9, did you mean task.noise.steps?",
    "task.sampler.step=9, did you mean task.sampler.steps?",
    "task.sampler.steps=1001, sampler.steps=1001",
    "'task.weighting={type: min_snr, gama: 5}', did you mean task.weighting.gamma?",
    "task.evaluation_timestep=1, did you mean task.evaluation_timesteps?",
    "task.evaluation_timesteps=0, evaluation_timesteps=0",
    "task.prediction=velocity, task.prediction",
    "task.noise.zero_terminal_snr=yess, task.noise.zero_terminal_snr"
  })
  void aDiffusionModelThatCannotWorkIsRefusedByItsKey(String setting, String words) {
    assertThatThrownBy(() -> recipe("ddpm-scenes", setting))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(words);
  }

  @ParameterizedTest
  @CsvSource({
    "task.tokenizer=null, talespark tokenizer",
    "task.context_length=33, context_length=33",
    "task.model.text_config.eos_token_id=512, eos_token_id=512",
    "task.model.vision_config.hidden_act=relu, task.model.vision_config.hidden_act",
    "task.model.vision_config.patch_sise=8, task.model.vision_config.patch_size",
    "task.loss.type=softmacks, task.loss.type",
    "task.loss={type: sigmoid}, task.loss.bias"
  })
  void aContrastiveModelThatCannotWorkIsRefusedByItsKey(String setting, String words) {
    assertThatThrownBy(() -> recipe("clip-scenes", "task.tokenizer=/b", setting))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(words);
  }

  @ParameterizedTest
  @CsvSource({
    "task.lora.r=0, r=0",
    "task.lora.lora_alfa=3, did you mean task.lora.lora_alpha?",
    "task.lora.lora_dropout=1, lora_dropout=1.0",
    "task.lora.target_modules=[], target_modules",
    "task.lora.target_modules=(q, a regular expression",
    "task.lora.base={checkpoint: run}, --base",
    "task.lora=null, task.model"
  })
  void adaptersThatCannotWorkAreRefusedByTheirKey(String setting, String words) {
    assertThatThrownBy(() -> recipe("clip-lora-emoji", setting))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(words);
  }

  @Test
  void adaptersMayHaveAPatternAndABase() {
    TrainConfig config =
        recipe("clip-lora-emoji", "task.lora.target_modules=text_model.*[qv]_proj");
    ContrastiveLearnerConfig open = (ContrastiveLearnerConfig) config.task();
    assertThat(open.lora().targetModules().value()).isEqualTo("text_model.*[qv]_proj");
    FrozenBase base = new FrozenBase("hdfs://a/run/checkpoints/step-00000010", "ab12");
    ContrastiveLearnerConfig scenes =
        (ContrastiveLearnerConfig) recipe("clip-scenes", "task.tokenizer=/b").task();
    TrainConfig based =
        config.withTask(open.onBase(base, LearnerFiles.JSON.valueToTree(scenes.modelConfig(64))));
    TrainConfig back =
        ConfigTree.builder()
            .yaml("its YAML", ConfigTree.toYaml(based))
            .build()
            .bind(TrainConfig.class);
    assertThat(back).isEqualTo(based);
    assertThat(back.task().base()).contains(base);
    assertThat(((ContrastiveLearnerConfig) back.task()).model()).isEqualTo(scenes.model());
  }

  @Test
  void aContrastiveModelMayHaveTheSigmoidLoss() {
    ContrastiveLearnerConfig config =
        (ContrastiveLearnerConfig)
            recipe("clip-scenes", "task.tokenizer=/b", "task.loss={type: sigmoid, bias: -10}")
                .task();
    assertThat(config.loss()).isEqualTo(new PairLoss.Sigmoid(-10));
    assertThat(config.located(uri -> "file:" + uri))
        .extracting(task -> ((ContrastiveLearnerConfig) task).tokenizer())
        .isEqualTo("file:/b");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "task.tokenizer=null; talespark tokenizer",
        "task.context_length=33; context_length=33",
        "task.model.clip.text_config.eos_token_id=512; eos_token_id=512",
        "task.model.fusion.num_attention_heads=3; num_attention_heads=3",
        "task.model.fusion.direction=back; task.model.fusion.direction",
        "task.model.fusion_dims=8; did you mean task.model.fusion_dim?",
        "task.objectives.itm.negatives=none; task.objectives.itm.negatives",
        "task.objectives.contrastive=null; objectives.itm.negatives=hard",
        "task.objectives.mlm.share=0; objectives.mlm.share=0.0",
        "task.objectives.itm.weight=-1; objectives.itm.weight=-1.0",
        "task.objectives={contrastive: {weight: 1, loss: {type: softmax}}, mlm: null, itm: null}; task.type=contrastive"
      })
  void aFusionModelThatCannotWorkIsRefusedByItsKey(String setting, String words) {
    assertThatThrownBy(() -> recipe("fusion-scenes", "task.tokenizer=/b", setting))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(words);
  }

  @Test
  void aFusionModelMayHaveSomeObjectivesOnly() {
    FusionLearnerConfig config =
        (FusionLearnerConfig)
            recipe(
                    "fusion-scenes",
                    "task.tokenizer=/b",
                    "task.objectives.contrastive=null",
                    "task.objectives.itm=null",
                    "task.objectives.mlm={weight: 2.0, share: null, mask_token: null}")
                .task();
    assertThat(config.objectives())
        .isEqualTo(new Objectives(null, new Objectives.MaskedLanguage(2, 0.15, "<mask>"), null));
    assertThat(config.bestMetric()).isEqualTo("mlm_accuracy");
    assertThat(config.located(uri -> "file:" + uri))
        .extracting(task -> ((FusionLearnerConfig) task).tokenizer())
        .isEqualTo("file:/b");
  }

  @Test
  void whatADiffusionModelLeavesOutHasItsDocumentedValue() {
    DiffusionLearnerConfig linear =
        (DiffusionLearnerConfig)
            recipe(
                    "ddpm-scenes",
                    "task.noise={type: linear}",
                    "task.sampler={type: ddpm, steps: null}",
                    "task.weighting={type: min_snr}")
                .task();
    assertThat(linear.noise()).isEqualTo(new NoiseConfig.Linear(1000, 1e-4, 0.02, false));
    assertThat(linear.sampler()).isEqualTo(new Sampler.Ddpm(1000, Spacing.TRAILING));
    assertThat(linear.weighting()).isEqualTo(new LossWeighting.MinSnr(5));
    DiffusionLearnerConfig scaled =
        (DiffusionLearnerConfig)
            recipe(
                    "ddpm-scenes",
                    "task.noise={type: scaled_linear}",
                    "task.sampler={type: ddim}",
                    "task.weighting={type: none}")
                .task();
    assertThat(scaled.noise()).isEqualTo(new NoiseConfig.ScaledLinear(1000, 0.00085, 0.012, false));
    assertThat(scaled.sampler()).isEqualTo(new Sampler.Ddim(50, 0, Spacing.TRAILING));
    assertThat(scaled.weighting()).isEqualTo(new LossWeighting.None());
    DiffusionLearnerConfig cosine =
        (DiffusionLearnerConfig)
            recipe(
                    "ddpm-scenes",
                    "task.sampler={type: dpm_solver}",
                    "task.weighting={type: min_snr}")
                .task();
    assertThat(cosine.noise()).isEqualTo(new NoiseConfig.Cosine(1000, 0.008, 0.999, false));
    assertThat(cosine.sampler()).isEqualTo(new Sampler.DpmSolver(20, Spacing.TRAILING));
    assertThat(cosine.weighting()).isEqualTo(new LossWeighting.MinSnr(5));
  }

  @Test
  void whatIsLeftOutHasItsDocumentedValue() {
    TrainConfig config = recipe("vqvae");
    assertThat(config.train().checkEvery()).isEqualTo(100);
    assertThat(config.train().restarts()).isEqualTo(3);
    assertThat(config.localSgd()).isEqualTo(new LocalSgdConfig(50, 0.7, 0.9, DeltaWire.HALF));
  }

  @Test
  void dataHasTheseDefaultsAndAugmentsNothing() {
    TrainConfig.Data data = recipe("vqvae").data();
    assertThat(data)
        .isEqualTo(
            new TrainConfig.Data(
                64,
                true,
                256,
                32_768,
                4,
                1,
                300,
                new TrainConfig.Cache(8L << 30, null),
                new Augment(false, null, null)));
    Augment augment =
        recipe("vqvae", "data.augment={crop: {}, color: {hue: 0.1}}").data().augment();
    assertThat(augment)
        .isEqualTo(
            new Augment(
                false,
                new Augment.Crop(List.of(0.08, 1.0), List.of(3 / 4.0, 4 / 3.0)),
                new Augment.Color(0.0, 0.0, 0.0, 0.1)));
  }

  @Test
  void theVqganRecipeAsksForTheFeatureNetwork() {
    assertThatThrownBy(
            () ->
                ConfigTree.builder()
                    .recipe("vqgan", TrainCommand.RECIPES)
                    .build()
                    .bind(TrainConfig.class))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--recipe features");
  }

  @ParameterizedTest
  @CsvSource({
    "train.step=5, train.steps",
    "train.bach=5, train.batch",
    "data.flop=true, data.flip",
    "data.augment.crop.scael=[0.5], data.augment.crop.scale",
    "task.clip_nrm=1, task.clip_norm",
    "task.model.quantizer.cods=8, task.model.quantizer.codes"
  })
  void anUnknownKeyIsRefusedWithTheNearestName(String setting, String nearest) {
    assertThatThrownBy(() -> recipe("vqvae", setting))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(setting.replaceFirst("=.*", ""))
        .hasMessageContaining("did you mean " + nearest + "?");
  }

  @ParameterizedTest
  @CsvSource({
    "train.batch=0, train.batch=0",
    "train.workers=0, train.workers=0",
    "train.minutes=null, train.minutes",
    "train.steps=0, train.steps=0",
    "train.learning_rate=0, train.learning_rate=0.0",
    "train.checkpoint_every=0, train.checkpoint_every=0",
    "train.keep_checkpoints=0, train.keep_checkpoints=0",
    "train.check_every=0, train.check_every=0",
    "train.restarts=-1, train.restarts=-1",
    "local_sgd.inner_steps=0, local_sgd.inner_steps=0",
    "local_sgd.outer_learning_rate=0, local_sgd.outer_learning_rate=0.0",
    "local_sgd.outer_momentum=1, local_sgd.outer_momentum=1.0",
    "local_sgd.wire=quarter, local_sgd.wire",
    "train.strategy=gossip, train.strategy",
    "train.precision=float8, train.precision",
    "data.size=0, data.size=0",
    "data.evaluation_samples=0, data.evaluation_samples=0",
    "data.shuffle_window=0, data.shuffle_window=0",
    "data.prefetch=0, data.prefetch=0",
    "data.decode_threads=0, data.decode_threads=0",
    "data.timeout_seconds=0, data.timeout_seconds=0",
    "data.cache.bytes=0, data.cache.bytes=0",
    "data.augment.color.hue=0.7, data.augment.color.hue=0.7",
    "task.l1_weight=-1, l1_weight=-1.0"
  })
  void valuesThatCannotWorkAreRefusedByName(String setting, String words) {
    assertThatThrownBy(() -> recipe("vqvae", setting))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(words);
  }

  @Test
  void theShareThatIsDoneIsOfStepsOrTimeWhicheverIsMore() {
    TrainConfig.Train both = recipe("vqvae", "train.steps=100", "train.minutes=1").train();
    assertThat(both.done(50, 6)).isEqualTo(0.5);
    assertThat(both.done(10, 45)).isEqualTo(0.75);
    assertThat(recipe("vqvae", "train.steps=100", "train.minutes=null").train().done(100, 1e9))
        .isEqualTo(1);
  }
}

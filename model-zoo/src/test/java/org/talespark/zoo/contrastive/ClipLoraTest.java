package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.GradientListener;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.io.ModelFiles;
import org.talespark.zoo.lora.Adapters;
import org.talespark.zoo.lora.LoraConfig;
import org.talespark.zoo.lora.MergedAdapters;
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.lora.TargetModules;
import org.talespark.zoo.lora.TrainedWeights;
import org.talespark.zoo.nn.Normal;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Reducer;

/** Adapters on CLIP, against what {@code src/test/python/lora.py} wrote. */
class ClipLoraTest {
  private static final List<String> EMBEDS = List.of(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS);

  private final HfClip clip = clip();

  private static HfClip clip() {
    try {
      return HfClip.read(ModelFiles.of(Adapters.path("../clip/plain")));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static double error(INDArray value, INDArray expected) {
    INDArray difference = value.castTo(DataType.DOUBLE).sub(expected.castTo(DataType.DOUBLE));
    return difference.norm2Number().doubleValue() / expected.norm2Number().doubleValue();
  }

  private static Pretrained base(Map<String, INDArray> tensors) {
    return new Pretrained(JsonNodeFactory.instance.objectNode(), tensors, Map.of());
  }

  private ContrastiveLearnerConfig training(int length) {
    return new ContrastiveLearnerConfig(
        clip.config(),
        new PairLoss.Softmax(),
        "unused",
        length,
        new OptimizerConfig.Sgd(0, false, 0),
        new Schedule.Constant(),
        1,
        0);
  }

  private ClipPlans plans(TrainedWeights weights, DataType type, Map<String, INDArray> inputs) {
    int batch = (int) inputs.get("input_ids").size(0);
    int length = (int) inputs.get("input_ids").size(1);
    ClipPlans plans = new ClipPlans(training(length), weights, type, batch);
    fill(plans.training, inputs);
    return plans;
  }

  private void fill(CompiledGraph plan, Map<String, INDArray> inputs) {
    int length = (int) inputs.get("input_ids").size(1);
    int[] ids = inputs.get("input_ids").reshape(-1).toIntVector();
    ClipPlans.fill(
        plan,
        inputs.get("pixel_values").reshape(-1).toFloatVector(),
        new ClipTexts.Rows(ids, ClipModel.ends(clip.config(), ids, length), 0));
  }

  @ParameterizedTest
  @CsvSource({
    "attention, FLOAT, 1e-5",
    "pattern, FLOAT, 1e-5",
    "attention, DOUBLE, 2e-7",
    "pattern, DOUBLE, 2e-7"
  })
  void embeddingsLossAndGradientsAreThoseOfPyTorch(String name, DataType type, double tolerance) {
    PeftAdapter adapter = Adapters.read(name);
    Map<String, INDArray> expected =
        Adapters.tensors(Adapters.path(name).resolve("expected.safetensors"));
    TrainedWeights weights =
        TrainedWeights.adapters(adapter.config(), base(clip.parameters()), type, 1);
    int batch = (int) expected.get("input_ids").size(0);
    try (ClipPlans plans = plans(weights, type, expected);
        GlobalLoss loss =
            new GlobalLoss(
                new PairLoss.Softmax(),
                Reducer.ALONE,
                type,
                batch,
                clip.config().projectionDim())) {
      Map<String, INDArray> trained = plans.training.parameters().views();
      assertThat(trained.keySet()).containsExactlyInAnyOrderElementsOf(adapter.tensors().keySet());
      adapter.tensors().forEach((key, tensor) -> trained.get(key).assign(tensor));
      double value = plans.step(loss, batch, 1, GradientListener.NONE).loss();
      double expectedLoss = expected.get("loss").getDouble(0);
      assertThat(Math.abs(value - expectedLoss) / expectedLoss).isLessThan(tolerance);
      for (String embeds : EMBEDS) {
        assertThat(error(plans.training.output(embeds), expected.get(embeds)))
            .as(embeds)
            .isLessThan(tolerance);
      }
      plans
          .training
          .gradients()
          .views()
          .forEach(
              (key, gradient) ->
                  assertThat(error(gradient, expected.get("gradient:" + key)))
                      .as(key)
                      .isLessThan(tolerance));
      // in use, without gradients
      try (CompiledGraph used = plans.evaluation(type, plans.training.parameters())) {
        fill(used, expected);
        used.run();
        EMBEDS.forEach(
            embeds ->
                assertThat(error(used.output(embeds), expected.get(embeds)))
                    .as(embeds)
                    .isLessThan(tolerance));
      }
    }
  }

  @Test
  void mergedEqualsUnmergedAloneAndTogetherAndTheBaseComesBack() {
    Map<String, INDArray> model = new LinkedHashMap<>(clip.parameters());
    Map<String, INDArray> before = new HashMap<>();
    model.forEach((name, tensor) -> before.put(name, tensor.dup()));
    MergedAdapters adapters = new MergedAdapters(model);
    adapters.add("attention", Adapters.read("attention"));
    adapters.add("pattern", Adapters.read("pattern"));
    Map<String, INDArray> inputs =
        Adapters.tensors(Adapters.path("attention").resolve("expected.safetensors"));
    try (ClipPlans plans = plans(TrainedWeights.all(1), DataType.FLOAT, inputs)) {
      Map<String, INDArray> live = plans.training.parameters().views();
      for (String name : List.of("attention", "pattern")) {
        adapters.merge(name);
        agrees(plans, live, model, Adapters.path(name).resolve("expected.safetensors"));
      }
      adapters.merge(Map.of("attention", 0.5, "pattern", 0.25));
      agrees(plans, live, model, Adapters.path("both.safetensors"));
      adapters.unmerge();
      before.forEach(
          (name, tensor) ->
              assertThat(model.get(name).sub(tensor).amaxNumber().doubleValue()).as(name).isZero());
      agrees(plans, live, model, Adapters.path("../clip/plain/expected.safetensors"));
    }
  }

  private static void agrees(
      ClipPlans plans, Map<String, INDArray> live, Map<String, INDArray> model, Path file) {
    model.forEach((name, tensor) -> live.get(name).assign(tensor));
    plans.training.runEarly();
    Map<String, INDArray> expected = Adapters.tensors(file);
    for (String embeds : EMBEDS) {
      assertThat(error(plans.training.output(embeds), expected.get(embeds)))
          .as(file + " " + embeds)
          .isLessThan(1e-5);
    }
  }

  // --- the graph

  private static Map<String, INDArray> random(DataType type) {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (CompiledGraph whole = Clips.plan(Clips.CONFIG, type, 2)) {
      whole.parameters().views().forEach((name, view) -> tensors.put(name, view.dup()));
    }
    return tensors;
  }

  private static CompiledGraph plan(LoraConfig lora, Map<String, INDArray> tensors, DataType type) {
    Ops ops = new Ops(type);
    TrainedWeights.Network network =
        TrainedWeights.adapters(lora, base(tensors), type, 3).trained(ops, 2);
    SDVariable pictures = ClipModel.pictures(Clips.CONFIG, network.layers(), 2).embeds();
    SDVariable texts = ClipModel.texts(Clips.CONFIG, network.layers(), 2, Clips.LENGTH).embeds();
    SDVariable factors =
        ops.frozen("factors", Normal.fill(4, "factors", 1, new long[] {2, 6}, type));
    ops.name("loss", pictures.mul(factors).sum().add(texts.mul(factors).sum()));
    CompiledGraph plan =
        network
            .bind(
                CompiledGraph.of(ops.graph())
                    .input(ClipModel.PIXEL_VALUES, ClipModel.pixelShape(Clips.CONFIG, 2))
                    .input(ClipModel.INPUT_IDS, 2L * Clips.LENGTH)
                    .input(ClipModel.ENDS, 2)
                    .outputs(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS)
                    .gradientOf(ClipModel.PIXEL_VALUES)
                    .losses("loss"))
            .build();
    Clips.fill(plan, Clips.CONFIG, 2, 2);
    return plan;
  }

  @Test
  void gradientsOfAdaptersEqualCentralDifferences() {
    LoraConfig lora =
        new LoraConfig(
            3, 2, TargetModules.matching(".*(_proj|fc1|fc2|_projection)"), null, true, null);
    try (CompiledGraph plan = plan(lora, random(DataType.DOUBLE), DataType.DOUBLE)) {
      plan.parameters()
          .views()
          .forEach(
              (name, view) -> view.addi(Normal.fill(9, name, 0.2, view.shape(), DataType.DOUBLE)));
      assertThat(plan.parameters().layout().slots()).hasSize(2 * (4 * 6 + 2));
      GradientCheck.Result result =
          GradientCheck.check(plan, "loss", List.of(ClipModel.PIXEL_VALUES), 5);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @Test
  void withBOfZeroTheModelIsItsBase() {
    LoraConfig lora = new LoraConfig(2, 4, TargetModules.named(List.of("q_proj", "fc2")));
    Map<String, INDArray> tensors = random(DataType.FLOAT);
    try (CompiledGraph plan = plan(lora, tensors, DataType.FLOAT);
        CompiledGraph whole = Clips.plan(Clips.CONFIG, DataType.FLOAT, 2)) {
      Clips.fill(whole, Clips.CONFIG, 2, 2);
      whole.run();
      plan.run();
      EMBEDS.forEach(
          embeds -> {
            INDArray difference = plan.output(embeds).sub(whole.output(embeds));
            assertThat(difference.amaxNumber().doubleValue()).as(embeds).isZero();
          });
      plan.parameters()
          .views()
          .forEach(
              (name, view) -> {
                double most = view.amaxNumber().doubleValue();
                if (name.endsWith("lora_B.weight")) {
                  assertThat(most).as(name).isZero();
                } else {
                  double bound = 1 / Math.sqrt((double) view.size(1));
                  assertThat(most).as(name).isBetween(bound / 2, bound);
                }
              });
    }
  }

  @Test
  void anUnknownTargetOrATensorOfAnotherShapeIsNamed() {
    Map<String, INDArray> tensors = random(DataType.FLOAT);
    LoraConfig unknown = new LoraConfig(2, 4, TargetModules.named(List.of("q_proj", "query")));
    assertThatThrownBy(() -> plan(unknown, tensors, DataType.FLOAT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("target_modules has query, which is no linear layer of the model")
        .hasMessageContaining("q_proj");
    LoraConfig known = new LoraConfig(2, 4, TargetModules.named(List.of("q_proj")));
    INDArray bias = tensors.get("text_model.final_layer_norm.bias");
    tensors.put("text_model.final_layer_norm.bias", bias.reshape(2, 4));
    assertThatThrownBy(() -> plan(known, tensors, DataType.FLOAT))
        .hasMessageContaining("tensor=text_model.final_layer_norm.bias shape=[2, 4], expected [8]");
    tensors.remove("text_model.final_layer_norm.bias");
    assertThatThrownBy(() -> plan(known, tensors, DataType.FLOAT))
        .hasMessageContaining("tensor text_model.final_layer_norm.bias is missing");
  }
}

package org.talespark.zoo.diffusion;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.Parity;
import org.talespark.zoo.graph.Ops;

/**
 * The U-Net computes what PyTorch computes with the same weights: an odd side, attention in two
 * levels and the middle, and texts, of which one has padding, as tokens and as one vector.
 */
class UNetParityTest {
  private static final int SIDE = 9;
  private static final int TOKENS = 3;

  private static UNet2DCondition.Config config(UNet2DCondition.TimeScaleShift time) {
    return new UNet2DCondition.Config(
        3, List.of(4, 6, 4), 1, List.of(true, false, true), 2, 0, 2, 6, time);
  }

  @ParameterizedTest
  @CsvSource({
    "unet, DEFAULT, FLOAT, 1e-5",
    "unet, DEFAULT, DOUBLE, 5e-7",
    "unet_scale_shift, SCALE_SHIFT, FLOAT, 1e-5",
    "unet_scale_shift, SCALE_SHIFT, DOUBLE, 5e-7"
  })
  void predictionAndGradientsArePyTorchs(
      String file, UNet2DCondition.TimeScaleShift time, DataType type, double tolerance) {
    Parity torch = Parity.of(file);
    UNet2DCondition.Config config = config(time);
    try (Denoisers model = new Denoisers(config, new Ops(type), 2, SIDE, TOKENS, true)) {
      torch.loadInto(model.plan.parameters().views());
      model.run(inputs(torch, config));
      torch.agrees("result", model.prediction(), tolerance);
      torch.agrees("loss", model.plan.output(Denoisers.LOSS), tolerance);
      torch.gradientsAgree(model.plan.gradients().views(), tolerance);
      torch.agrees("input_gradient.sample", model.plan.gradientOf(Denoisers.SAMPLE), tolerance);
      torch.agrees("input_gradient.text", model.plan.gradientOf(Denoisers.TEXT), tolerance);
      torch.agrees("input_gradient.pooled", model.plan.gradientOf(Denoisers.POOLED), tolerance);
    }
  }

  private static Map<String, INDArray> inputs(Parity torch, UNet2DCondition.Config config) {
    int[] timesteps = torch.array("input.timesteps").toIntVector();
    float[] features = new TimestepFeatures(1000, config.timeFeatures()).of(timesteps);
    INDArray text = torch.array("input.text");
    Map<String, INDArray> inputs = new LinkedHashMap<>();
    inputs.put(Denoisers.SAMPLE, torch.array("input.sample"));
    inputs.put(Denoisers.TARGET, torch.array("target"));
    inputs.put(
        Denoisers.TIME,
        Nd4j.createFromArray(features).reshape(timesteps.length, config.timeFeatures()));
    inputs.put(
        Denoisers.TEXT, text.reshape(text.size(0) * text.size(1), config.contextDimension()));
    inputs.put(Denoisers.MASK, torch.array("input.mask"));
    inputs.put(Denoisers.POOLED, torch.array("input.pooled"));
    return inputs;
  }
}

package org.talespark.zoo.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.diffusion.DenoiserConfig;
import org.talespark.zoo.diffusion.Dit;
import org.talespark.zoo.diffusion.UNet2DCondition;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * A training step of a denoiser under a text: the loss is the mean squared error of its prediction.
 * The plan is made of the model as it is trained, the interpreter runs its twin without fused
 * operations; gradients differ by rounding.
 *
 * <p>B batch, C channels, S side, N tokens of a text, the last quarter of them padding.
 */
record DenoiserCase(String name, DenoiserConfig config, int batch, int side, int tokens)
    implements StepCase {
  private static final String TIME = "time";
  private static final String TEXT = "text";
  private static final String MASK = "mask";
  private static final String TARGET = "target";

  /** Latents [8, 4, 16, 16] under texts of 32 tokens; levels of 64 and 128 channels. */
  static DenoiserCase uNet() {
    UNet2DCondition.Config config =
        new UNet2DCondition.Config(4, List.of(64, 128), 2, List.of(false, true), 4, 32, 32, 128);
    return new DenoiserCase("unet_step", config, 8, 16, 32);
  }

  /** The paper's S with patches of 8 on latents [8, 4, 32, 32], under texts of 32 tokens. */
  static DenoiserCase dit() {
    return new DenoiserCase("dit_s8_step", new Dit.Config(4, 8, 384, 12, 6, 128), 8, 32, 32);
  }

  @Override
  public Map<String, INDArray> inputs() {
    SplittableRandom random = new SplittableRandom(2);
    Map<String, INDArray> inputs = new LinkedHashMap<>();
    inputs.put(INPUT, StepCase.normal(random, 1, sampleShape()));
    inputs.put(TARGET, StepCase.normal(random, 1, sampleShape()));
    inputs.put(TIME, StepCase.normal(random, 1, batch, config.timeFeatures()));
    inputs.put(TEXT, StepCase.normal(random, 1, (long) batch * tokens, config.contextDimension()));
    INDArray mask = StepCase.filled(new long[] {batch, tokens}, () -> 1);
    for (int t = tokens - tokens / 4; t < tokens; t++) {
      mask.getColumn(t).assign(0);
    }
    inputs.put(MASK, mask);
    return inputs;
  }

  private long[] sampleShape() {
    return new long[] {batch, config.channels(), side, side};
  }

  @Override
  public SameDiff graph() {
    return graph(new Ops(DataType.FLOAT));
  }

  @Override
  public Interpreted interpreted() {
    return StepCase.twin(graph(new Ops(DataType.FLOAT, false)), inputs());
  }

  private SameDiff graph(Ops ops) {
    SDVariable x = ops.input(INPUT, sampleShape());
    SDVariable target = ops.input(TARGET, sampleShape());
    SDVariable time = ops.input(TIME, batch, config.timeFeatures());
    DenoiserConfig.Context text =
        new DenoiserConfig.Context(
            ops.input(TEXT, (long) batch * tokens, config.contextDimension()),
            ops.input(MASK, batch, tokens),
            null,
            tokens);
    SDVariable y = config.build(Layers.trainable(ops, 1), x, time, text, batch, side);
    ops.name(LOSS, ops.meanSquare(y, target));
    // with the zeros that training begins with, most gradients would be zero
    SplittableRandom random = new SplittableRandom(3);
    for (String name : StepCase.trained(ops.graph()).stream().sorted().toList()) {
      SDVariable variable = ops.graph().getVariable(name);
      INDArray initial = variable.getArr(true);
      variable.setArray(initial.add(StepCase.normal(random, 0.02, initial.shape())));
    }
    return ops.graph();
  }
}

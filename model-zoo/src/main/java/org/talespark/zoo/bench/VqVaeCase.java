package org.talespark.zoo.bench;

import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A training step of a plain VQ-VAE (arXiv:1711.00937): as many 4x4 convolutions of stride 2 as
 * levels, a 3x3 convolution to the codes' width, the nearest code with a straight-through gradient,
 * and the mirror image; mean squared errors of picture, codebook and (times 0.25) commitment.
 *
 * <p>B batch, S picture side, C width, D code width, K codes: x [B, 3, S, S] -> z [B, D,
 * S/2^levels, S/2^levels] -> y [B, 3, S, S].
 */
record VqVaeCase(int batch, int size, int width, int levels, int codeWidth, int codes)
    implements StepCase {

  @Override
  public String name() {
    return "vqvae_step";
  }

  @Override
  public Map<String, INDArray> inputs() {
    return Map.of(INPUT, StepCase.uniform(inputShape()));
  }

  private long[] inputShape() {
    return new long[] {batch, 3, size, size};
  }

  @Override
  public SameDiff graph() {
    SameDiff sd = SameDiff.create();
    SplittableRandom random = new SplittableRandom(1);
    SDVariable x = sd.placeHolder(INPUT, DataType.FLOAT, inputShape());
    SDVariable e = x;
    for (int level = 0; level < levels; level++) {
      int in = level == 0 ? 3 : width;
      e = sd.nn.relu(convolve(sd, random, "down" + level, e, in, width, 4, 2), 0);
    }
    e = convolve(sd, random, "to_codes", e, width, codeWidth, 3, 1); // [B, D, s, s]

    int side = size >> levels;
    SDVariable codebook = sd.var("codebook", StepCase.normal(random, 0.05, codes, codeWidth));
    SDVariable z = sd.permute(e, 0, 2, 3, 1).reshape((long) batch * side * side, codeWidth);
    SDVariable distances =
        sd.math
            .square(z)
            .sum(true, 1)
            .add(sd.math.square(codebook).sum(1))
            .sub(sd.linalg.mmul(z, codebook, false, true, false).mul(2)); // [B*s*s, K]
    SDVariable nearest =
        sd.oneHot(sd.argmin(distances, 1), codes, 1, 1.0, 0.0, DataType.FLOAT).mmul(codebook);
    SDVariable ofCodes =
        sd.math
            .square(nearest.sub(stop(sd, z)))
            .mean()
            .add(sd.math.square(z.sub(stop(sd, nearest))).mean().mul(0.25));
    SDVariable through = z.add(stop(sd, nearest.sub(z)));

    SDVariable y = sd.permute(through.reshape(batch, side, side, codeWidth), 0, 3, 1, 2);
    y = sd.nn.relu(convolve(sd, random, "from_codes", y, codeWidth, width, 3, 1), 0);
    for (int level = levels - 1; level > 0; level--) {
      y = sd.nn.relu(deconvolve(sd, random, "up" + level, y, width, width), 0);
    }
    y = sd.nn.tanh(deconvolve(sd, random, "up0", y, width, 3));
    sd.math.square(y.sub(x)).mean().add(ofCodes).rename(LOSS);
    sd.setLossVariables(LOSS);
    return sd;
  }

  private static SDVariable stop(SameDiff sd, SDVariable value) {
    return new StopGradient(sd, value).outputVariable();
  }

  private static SDVariable convolve(
      SameDiff sd,
      SplittableRandom random,
      String name,
      SDVariable x,
      int in,
      int out,
      int kernel,
      int stride) {
    double deviation = 1 / Math.sqrt((double) in * kernel * kernel);
    SDVariable weight =
        sd.var(name + ".weight", StepCase.normal(random, deviation, kernel, kernel, in, out));
    SDVariable bias = sd.var(name + ".bias", Nd4j.zeros(DataType.FLOAT, out));
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(kernel)
            .kW(kernel)
            .sH(stride)
            .sW(stride)
            .pH(1)
            .pW(1)
            .paddingMode(PaddingMode.VALID)
            .weightsFormat(WeightsFormat.YXIO)
            .dataFormat("NCHW")
            .build();
    return sd.cnn.conv2d(x, weight, bias, config);
  }

  /** Doubles the side: 4x4, stride 2, padding 1. */
  private static SDVariable deconvolve(
      SameDiff sd, SplittableRandom random, String name, SDVariable x, int in, int out) {
    double deviation = 1 / Math.sqrt(in * 4.0);
    SDVariable weight = sd.var(name + ".weight", StepCase.normal(random, deviation, 4, 4, out, in));
    SDVariable bias = sd.var(name + ".bias", Nd4j.zeros(DataType.FLOAT, out));
    DeConv2DConfig config =
        DeConv2DConfig.builder()
            .kH(4)
            .kW(4)
            .sH(2)
            .sW(2)
            .pH(1)
            .pW(1)
            .isSameMode(false)
            .dataFormat("NCHW")
            .build();
    return sd.cnn.deconv2d(x, weight, bias, config);
  }
}

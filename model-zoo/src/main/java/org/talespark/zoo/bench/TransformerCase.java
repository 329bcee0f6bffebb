package org.talespark.zoo.bench;

import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * One transformer block with normalisation before attention (arXiv:2002.04745) and without biases;
 * the loss is the mean square of its output.
 *
 * <p>B batch, T tokens, D width, h heads: x [B, T, D] -> attention -> feed-forward of width 4D.
 */
record TransformerCase(int batch, int tokens, int width, int heads) implements StepCase {

  @Override
  public String name() {
    return "transformer_block";
  }

  @Override
  public Map<String, INDArray> inputs() {
    return Map.of(INPUT, StepCase.uniform(inputShape()));
  }

  private long[] inputShape() {
    return new long[] {batch, tokens, width};
  }

  @Override
  public SameDiff graph() {
    SameDiff sd = SameDiff.create();
    SplittableRandom random = new SplittableRandom(1);
    SDVariable x = sd.placeHolder(INPUT, DataType.FLOAT, inputShape());
    SDVariable gain = sd.var("gain", Nd4j.ones(DataType.FLOAT, width));
    SDVariable bias = sd.var("bias", Nd4j.zeros(DataType.FLOAT, width));
    long rows = (long) batch * tokens;
    SDVariable flat = sd.nn.layerNorm(x, gain, bias, false, 2).reshape(rows, width); // [B*T, D]
    SDVariable query = split(sd, flat.mmul(weight(sd, random, "query", width, width)));
    SDVariable key = split(sd, flat.mmul(weight(sd, random, "key", width, width)));
    SDVariable value = split(sd, flat.mmul(weight(sd, random, "value", width, width)));
    double scale = 1 / Math.sqrt((double) width / heads);
    SDVariable scores =
        sd.nn.softmax(sd.linalg.mmul(query, key, false, true, false).mul(scale), 3); // [B, h, T, T]
    SDVariable mixed =
        sd.permute(sd.linalg.mmul(scores, value), 0, 2, 1, 3).reshape(rows, width); // [B*T, D]
    SDVariable attended =
        mixed.mmul(weight(sd, random, "project", width, width)).add(x.reshape(rows, width));
    SDVariable hidden =
        sd.nn.gelu(attended.mmul(weight(sd, random, "expand", width, 4 * width))); // [B*T, 4D]
    SDVariable y = hidden.mmul(weight(sd, random, "contract", 4 * width, width)).add(attended);
    y.mul(y).mean().rename(LOSS);
    sd.setLossVariables(LOSS);
    return sd;
  }

  /** [B*T, D] -> [B, h, T, D/h]. */
  private SDVariable split(SameDiff sd, SDVariable rows) {
    return sd.permute(rows.reshape(batch, tokens, heads, width / heads), 0, 2, 1, 3);
  }

  private static SDVariable weight(
      SameDiff sd, SplittableRandom random, String name, int in, int out) {
    return sd.var(name, StepCase.normal(random, 0.05, in, out));
  }
}

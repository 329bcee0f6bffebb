package org.talespark.zoo.fusion;

import static org.talespark.zoo.fusion.FusionChecks.check;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * One vector of a text and one of a picture into the answer to a question about both.
 *
 * <p>B pairs, D_t and D_i widths of the features, F fusion_dim, C outputs.
 *
 * <pre>
 *   text [B, D_t] -> text_projection [B, F]     picture [B, D_i] -> visual_projection [B, F]
 *   both side by side [B, 2F] -> fc1 -> [B, F] -> ReLU -> fc2 -> [B, C]
 * </pre>
 *
 * <p>Initial weights are PyTorch's, uniform in &plusmn;1/sqrt(fan-in).
 */
public final class MultimodalFusion {

  /**
   * Its size.
   *
   * @param textDim D_t
   * @param imageDim D_i
   * @param fusionDim F
   * @param outputs C
   */
  public record Config(int textDim, int imageDim, int fusionDim, int outputs) {
    public Config {
      check(textDim >= 1, "text_dim", textDim, "at least 1");
      check(imageDim >= 1, "image_dim", imageDim, "at least 1");
      check(fusionDim >= 1, "fusion_dim", fusionDim, "at least 1");
      check(outputs >= 1, "outputs", outputs, "at least 1");
    }
  }

  private MultimodalFusion() {}

  /**
   * Builds it.
   *
   * @param name in front of its parameters, with its dot
   * @param text [B, D_t]
   * @param picture [B, D_i]
   * @return [B, C]
   */
  public static SDVariable build(
      Config config, Layers layers, String name, SDVariable text, SDVariable picture) {
    Ops ops = layers.ops();
    int width = config.fusionDim();
    SDVariable t = layers.linear(name + "text_projection", text, config.textDim(), width);
    SDVariable x = layers.linear(name + "visual_projection", picture, config.imageDim(), width);
    SDVariable both = ops.concat(1, t, x); // [B, 2F]
    SDVariable h = ops.relu(layers.linear(name + "fc1", both, 2 * width, width));
    return layers.linear(name + "fc2", h, width, config.outputs());
  }
}

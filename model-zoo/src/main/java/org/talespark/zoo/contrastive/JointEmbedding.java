package org.talespark.zoo.contrastive;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * Texts and pictures in one space: two linear towers over features of any kind, without bias, and
 * the cosines of all combinations (Radford 2021, arXiv:2103.00020, figure 3).
 *
 * <p>B_t texts, B_i pictures, D_t and D_i widths of their features, P joint_dim.
 *
 * <pre>
 *   text features [B_t, D_t] -> text_projection -> / length -> [B_t, P]
 *   picture features [B_i, D_i] -> visual_projection -> / length -> [B_i, P]
 *   similarities = texts pictures^T                                   [B_t, B_i]
 * </pre>
 *
 * <p>Initial weights are normal, D^-0.5.
 */
public final class JointEmbedding {
  private static final String TEXT = "text_projection";
  private static final String PICTURE = "visual_projection";

  /**
   * Its size.
   *
   * @param textDim D_t
   * @param imageDim D_i
   * @param jointDim P
   */
  public record Config(int textDim, int imageDim, int jointDim) {
    public Config {
      check("text_dim", textDim);
      check("image_dim", imageDim);
      check("joint_dim", jointDim);
    }

    private static void check(String key, int value) {
      if (value < 1) {
        throw new IllegalArgumentException(
            "Cannot configure joint embedding: %s=%d, expected at least 1".formatted(key, value));
      }
    }
  }

  /**
   * Where they lie.
   *
   * @param texts [B_t, P], each row of length 1
   * @param pictures [B_i, P], each row of length 1
   * @param similarities cosines, [B_t, B_i]
   */
  public record Handles(SDVariable texts, SDVariable pictures, SDVariable similarities) {}

  private JointEmbedding() {}

  /**
   * Builds both towers.
   *
   * @param texts features [B_t, D_t]
   * @param pictures features [B_i, D_i]
   */
  public static Handles build(Config config, Layers layers, SDVariable texts, SDVariable pictures) {
    SDVariable t = texts(layers, texts, config.textDim(), config.jointDim());
    SDVariable x = pictures(layers, pictures, config.imageDim(), config.jointDim());
    return new Handles(t, x, layers.ops().matmul(t, x, false, true));
  }

  /** The texts' tower: [B, width] -> [B, P], each row of length 1. */
  public static SDVariable texts(Layers layers, SDVariable x, int width, int joint) {
    return project(TEXT, layers, x, width, joint);
  }

  /** The pictures' tower: [B, width] -> [B, P], each row of length 1. */
  public static SDVariable pictures(Layers layers, SDVariable x, int width, int joint) {
    return project(PICTURE, layers, x, width, joint);
  }

  private static SDVariable project(
      String name, Layers layers, SDVariable x, int width, int joint) {
    Ops ops = layers.ops();
    SDVariable weight = layers.normal(name + ".weight", 1 / Math.sqrt(width), joint, width);
    SDVariable projected = layers.linear(name, x, weight, null);
    SDVariable squares = ops.graph().math().square(projected).sum(true, 1);
    // not divided: the gradient of a division by a single number is wrong
    return projected.mul(ops.graph().math().sqrt(squares).rdiv(1.0));
  }
}

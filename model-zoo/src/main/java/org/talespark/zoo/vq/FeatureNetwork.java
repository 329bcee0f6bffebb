package org.talespark.zoo.vq;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * The convolutional part of a VGG network (Simonyan 2014, arXiv:1409.1556) with torchvision's
 * parameter names, {@code features.N.weight}: stages of 3x3 convolutions with ReLU, max pooling
 * between them. With widths 64, 128, 256, 512, 512 and depths 2, 2, 3, 3, 3 it is VGG16; smaller
 * ones are trained on the corpus itself to name the words of a picture's caption.
 *
 * <p>x [B, 3, H, W] in [-1, 1] -> one feature map a stage, [B, width, H / 2^stage, W / 2^stage].
 */
public final class FeatureNetwork {

  /**
   * Its size, and how its pictures were normalised.
   *
   * @param widths channels of each stage
   * @param depths convolutions of each stage
   * @param mean of the pictures in [0, 1] that the network was trained on, red, green and blue
   * @param deviation likewise
   */
  public record Config(
      List<Integer> widths, List<Integer> depths, List<Double> mean, List<Double> deviation) {
    public Config {
      widths = List.copyOf(widths);
      depths = List.copyOf(depths);
      mean = List.copyOf(mean);
      deviation = List.copyOf(deviation);
      if (widths.isEmpty() || widths.size() != depths.size()) {
        throw new IllegalArgumentException(
            "Cannot configure features: widths=%s depths=%s, expected as many depths as widths"
                .formatted(widths, depths));
      }
      if (mean.size() != 3 || deviation.size() != 3 || deviation.stream().anyMatch(d -> d <= 0)) {
        throw new IllegalArgumentException(
            "Cannot configure features: mean=%s deviation=%s, expected three each, deviations positive"
                .formatted(mean, deviation));
      }
    }
  }

  private FeatureNetwork() {}

  /** The feature map of each stage, behind its last ReLU. */
  static List<SDVariable> maps(Config config, Layers layers, SDVariable x) {
    Ops ops = layers.ops();
    double[] scale = new double[3];
    double[] shift = new double[3];
    for (int c = 0; c < 3; c++) {
      scale[c] = 0.5 / config.deviation().get(c);
      shift[c] = (0.5 - config.mean().get(c)) / config.deviation().get(c);
    }
    SDVariable h =
        x.mul(
                ops.graph()
                    .constant(Nd4j.createFromArray(scale).castTo(ops.type()).reshape(1, 3, 1, 1)))
            .add(
                ops.graph()
                    .constant(Nd4j.createFromArray(shift).castTo(ops.type()).reshape(1, 3, 1, 1)));

    List<SDVariable> maps = new ArrayList<>();
    int module = 0;
    int in = 3;
    for (int stage = 0; stage < config.widths().size(); stage++) {
      if (stage > 0) {
        h = ops.maxPool(h, 2);
        module++;
      }
      int out = config.widths().get(stage);
      for (int i = 0; i < config.depths().get(stage); i++) {
        h = ops.relu(layers.conv("features." + module, h, in, out, 3, 1, 1));
        module += 2;
        in = out;
      }
      maps.add(h);
    }
    return maps;
  }
}

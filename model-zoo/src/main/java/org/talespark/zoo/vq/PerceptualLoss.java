package org.talespark.zoo.vq;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/** Distance of two pictures in the features of a frozen network; a scalar mean over the batch. */
public enum PerceptualLoss {
  /** Mean squared difference of the last feature map (Johnson 2016, arXiv:1603.08155). */
  LAST_MAP {
    @Override
    SDVariable between(
        FeatureNetwork.Config config, Layers layers, List<SDVariable> a, List<SDVariable> b) {
      return layers.ops().meanSquare(a.get(a.size() - 1), b.get(b.size() - 1));
    }
  },

  /**
   * LPIPS (Zhang 2018, arXiv:1801.03924) with all channels of a map weighted alike: squared
   * difference of the maps, each normalised to unit length over its channels, summed over the
   * channels, averaged over positions, added over the stages.
   */
  UNIT_MAPS {
    @Override
    SDVariable between(
        FeatureNetwork.Config config, Layers layers, List<SDVariable> a, List<SDVariable> b) {
      SDVariable total = null;
      for (int i = 0; i < a.size(); i++) {
        SDVariable difference = square(a, b, i, layers.ops());
        SDVariable term = difference.sum(false, 1).mean();
        total = total == null ? term : total.add(term);
      }
      return total;
    }
  },

  /** LPIPS with its heads: each channel has a learned weight, {@code linN.model.1.weight}. */
  LPIPS {
    @Override
    SDVariable between(
        FeatureNetwork.Config config, Layers layers, List<SDVariable> a, List<SDVariable> b) {
      SDVariable total = null;
      for (int i = 0; i < a.size(); i++) {
        SDVariable head =
            layers.parameter(
                "lin%d.model.1.weight".formatted(i),
                Nd4j.zeros(layers.ops().type(), 1, config.widths().get(i), 1, 1));
        SDVariable term =
            layers.ops().conv2d(square(a, b, i, layers.ops()), head, null, 1, 0).mean();
        total = total == null ? term : total.add(term);
      }
      return total;
    }
  };

  abstract SDVariable between(
      FeatureNetwork.Config config, Layers layers, List<SDVariable> a, List<SDVariable> b);

  private static SDVariable square(List<SDVariable> a, List<SDVariable> b, int stage, Ops ops) {
    return ops.graph().math().square(unit(a.get(stage), ops).sub(unit(b.get(stage), ops)));
  }

  /** [B, C, H, W] -> each position's vector of channels at unit length. */
  private static SDVariable unit(SDVariable map, Ops ops) {
    SDVariable squares = ops.graph().math().square(map).sum(true, 1);
    return map.div(ops.graph().math().sqrt(squares.add(1e-10)));
  }
}

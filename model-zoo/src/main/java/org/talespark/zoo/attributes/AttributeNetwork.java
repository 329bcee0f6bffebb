package org.talespark.zoo.attributes;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * A small residual network (He 2016, arXiv:1603.05027: normalisation and activation before each
 * convolution) that says what is in a picture, and where: with three stages, a map of an eighth of
 * the picture's side.
 *
 * <p>B batch, S side of the picture, P positions of the last map, F features, K kinds, C colours, N
 * settings.
 *
 * <pre>
 *   pictures [B, 3, S, S] in [-1, 1] -> stem, 4x4 of stride 2
 *   stage i, blocks of two 3x3 convolutions; the first block of a later stage has stride 2:
 *     x = shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))))))
 *   map [B, F, P] = silu(1x1(silu(norm(x))))
 *   features [B, F] = mean of the map over P        -> setting [B, N], linear
 *   presence map m [B, K, P] = 1x1(map), where w = softmax of m over P
 *     presence [B, K]   = sum over P of w m         a smooth maximum
 *     colours [B, K, C] = sum over P of w 1x1(map)  the colour where the kind is
 * </pre>
 *
 * <p>The weights w say where in the picture a kind is; so a colour belongs to a kind by its place,
 * and small things are not lost in a mean.
 */
public final class AttributeNetwork {
  static final String PICTURES = "pictures";

  /**
   * Its size.
   *
   * @param widths channels of each stage
   * @param depths residual blocks of each stage
   * @param features of the last map: the space of the Fr&eacute;chet distance
   * @param normNumGroups groups of each normalisation
   */
  public record Config(
      List<Integer> widths, List<Integer> depths, int features, int normNumGroups) {
    public Config {
      widths = List.copyOf(widths);
      depths = List.copyOf(depths);
      check(!widths.isEmpty(), "widths", widths, "at least one");
      check(normNumGroups >= 1, "norm_num_groups", normNumGroups, "at least 1");
      int groups = normNumGroups;
      check(
          widths.stream().allMatch(w -> w >= groups && w % groups == 0),
          "widths",
          widths,
          "multiples of norm_num_groups=" + groups);
      check(
          depths.size() == widths.size() && depths.stream().allMatch(d -> d >= 1),
          "depths",
          depths,
          "as many as widths=%s, at least 1 each".formatted(widths));
      check(features >= 2, "features", features, "at least 2");
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure attribute network: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    /** Side of the last map for pictures of a side. */
    int mapSide(int side) {
      int halved = side / 2;
      for (int stage = 1; stage < widths.size(); stage++) {
        halved = (halved + 1) / 2;
      }
      check(halved >= 1, "size", side, "at least 2");
      return halved;
    }
  }

  /**
   * A network.
   *
   * @param pictures input [B, 3, S, S]
   * @param features [B, F]
   * @param setting logits [B, N]
   * @param presence logits [B, K]
   * @param colours logits [B * K, C]
   */
  record Handles(
      SDVariable pictures,
      SDVariable features,
      SDVariable setting,
      SDVariable presence,
      SDVariable colours) {}

  private final Config config;
  private final Layers layers;

  private AttributeNetwork(Config config, Layers layers) {
    this.config = config;
    this.layers = layers;
  }

  /** Builds the network with what the grammar names, for pictures of a side. */
  static Handles build(Config config, CaptionGrammar grammar, Layers layers, int batch, int side) {
    return new AttributeNetwork(config, layers).build(grammar, batch, side);
  }

  private Handles build(CaptionGrammar grammar, int batch, int side) {
    Ops ops = layers.ops();
    int kinds = grammar.kinds().size();
    int colours = grammar.colours().size();
    int width = config.features();
    SDVariable pictures = ops.input(PICTURES, batch, 3, side, side);
    SDVariable map = map(pictures);
    SDVariable features = map.mean(false, 2, 3); // [B, F]
    SDVariable setting = layers.linear("setting", features, width, grammar.settingNames().size());
    int positions = config.mapSide(side) * config.mapSide(side);
    SDVariable where =
        ops.reshape(layers.conv("presence", map, width, kinds, 1, 1, 0), batch, kinds, positions);
    SDVariable colour =
        ops.reshape(
            layers.conv("colours", map, width, colours, 1, 1, 0), batch, colours, positions);
    SDVariable weights = ops.softmax(where, 2); // [B, K, P]
    SDVariable presence = weights.mul(where).sum(false, 2); // [B, K]
    SDVariable ofKinds = ops.matmul(weights, colour, false, true); // [B, K, C]
    return new Handles(
        pictures,
        ops.name("features_of_pictures", features),
        ops.name("setting_logits", setting),
        ops.name("presence_logits", presence),
        ops.name("colour_logits", ops.reshape(ofKinds, (long) batch * kinds, colours)));
  }

  /** [B, 3, S, S] -> [B, F, s, s]. */
  private SDVariable map(SDVariable pictures) {
    List<Integer> widths = config.widths();
    int in = widths.get(0);
    SDVariable h = layers.conv("stem", pictures, 3, in, 4, 2, 1);
    for (int stage = 0; stage < widths.size(); stage++) {
      for (int i = 0; i < config.depths().get(stage); i++) {
        int out = widths.get(stage);
        h = block("stages.%d.%d".formatted(stage, i), h, in, out, stage > 0 && i == 0 ? 2 : 1);
        in = out;
      }
    }
    h = layers.groupNormSilu("norm", h, in, config.normNumGroups());
    return layers.ops().silu(layers.conv("features", h, in, config.features(), 1, 1, 0));
  }

  /** [B, in, s, s] -> [B, out, s / stride, s / stride], rounded up. */
  private SDVariable block(String name, SDVariable x, int in, int out, int stride) {
    int groups = config.normNumGroups();
    SDVariable h = layers.groupNormSilu(name + ".norm1", x, in, groups);
    h = layers.conv(name + ".conv1", h, in, out, 3, stride, 1);
    h = layers.groupNormSilu(name + ".norm2", h, out, groups);
    h = layers.conv(name + ".conv2", h, out, out, 3, 1, 1);
    boolean same = in == out && stride == 1;
    return h.add(same ? x : layers.conv(name + ".shortcut", x, in, out, 1, stride, 0));
  }
}

package org.talespark.zoo.fusion;

import static java.util.Objects.requireNonNull;
import static org.talespark.zoo.fusion.FusionChecks.check;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.TransformerOps;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.nn.Layers;

/**
 * The layers in which texts look at pictures, as the multimodal encoder of ALBEF (Li 2021,
 * arXiv:2107.07651, section 3.1), and, where asked for, pictures look at texts too, as the
 * co-attention of ViLBERT (Lu 2019, arXiv:1908.02265, section 2.1). Unlike there, layers normalise
 * what they read, as CLIP's do.
 *
 * <p>B pictures, R texts of each, N tokens of a text, T of a picture, D and D' widths of their
 * states.
 *
 * <pre>
 *   layer n, num_hidden_layers times, on texts x [B*R*N, D] and pictures v [B*T, D']:
 *     x = x + self_attn(norm1(x))             over the tokens of the text that are no padding
 *     x = x + cross_attn(norm2(x), v)         over all tokens of the picture
 *     x = x + fc2(act(fc1(norm3(x))))
 * </pre>
 *
 * Pictures are normalised once, in front of the first layer. With the direction {@code both}, every
 * text gets a copy of its picture's states, v [B*R*T, D'], and in each layer, from the same x and
 * v, pictures change in the same three parts: among themselves, by the tokens of the text that are
 * no padding, and each for itself.
 *
 * <p>With {@code text}, the R texts of a picture are R*N queries to the same keys and values, which
 * are computed once.
 *
 * <p>Initial weights are those of CLIP's layers ({@link org.talespark.zoo.nn.EncoderLayers}), where
 * three parts a layer are added to the stream: out_proj and fc2 D^-0.5 (3 num_hidden_layers)^-0.5.
 */
public final class FusionEncoder {
  private static final String ROOT = "fusion.";

  /** Who looks at whom. */
  public enum Direction {
    /** Texts look at pictures. */
    @JsonProperty("text")
    TEXT,
    /** Texts look at pictures, and pictures at texts. */
    @JsonProperty("both")
    BOTH
  }

  /**
   * Its size; texts and pictures keep the widths of their towers.
   *
   * @param intermediateSize of fc1
   * @param hiddenAct left out, {@code quick_gelu}
   */
  public record Config(
      int numHiddenLayers,
      int numAttentionHeads,
      int intermediateSize,
      Direction direction,
      double layerNormEps,
      Activation hiddenAct) {
    public Config {
      requireNonNull(direction, "fusion.direction");
      hiddenAct = hiddenAct == null ? Activation.QUICK_GELU : hiddenAct;
      check(numHiddenLayers >= 1, "fusion.num_hidden_layers", numHiddenLayers, "at least 1");
      check(numAttentionHeads >= 1, "fusion.num_attention_heads", numAttentionHeads, "at least 1");
      check(intermediateSize >= 1, "fusion.intermediate_size", intermediateSize, "at least 1");
      check(layerNormEps >= 0, "fusion.layer_norm_eps", layerNormEps, "0 or more");
    }

    /** Refuses towers whose states these heads do not divide. */
    void checkWidths(int text, int picture) {
      boolean pictures = direction == Direction.TEXT || picture % numAttentionHeads == 0;
      check(
          text % numAttentionHeads == 0 && pictures,
          "fusion.num_attention_heads",
          numAttentionHeads,
          "a divisor of the towers' hidden_size=%d and %d".formatted(text, picture));
    }
  }

  /**
   * What comes in.
   *
   * @param texts states [B*R*N, D], the texts of a picture behind each other
   * @param mask of the texts' tokens, [B*R, N]: 1 for a token, 0 for padding
   * @param pictures states [B*T, D']
   */
  public record Inputs(
      SDVariable texts,
      int textWidth,
      SDVariable mask,
      SDVariable pictures,
      int pictureWidth,
      Shape shape) {}

  /**
   * How many there are.
   *
   * @param batch B
   * @param texts R of each picture
   * @param length N
   * @param tokens T
   */
  public record Shape(int batch, int texts, int length, int tokens) {}

  /**
   * Where they lie.
   *
   * @param texts [B*R*N, D]
   * @param pictures [B*T, D'] or, with the direction {@code both}, [B*R*T, D']; null where they are
   *     not read
   */
  public record Handles(SDVariable texts, SDVariable pictures) {}

  /** States of one kind: rows, how wide, in how many groups of how many tokens, which count. */
  private record Stream(SDVariable rows, int width, int groups, int tokens, SDVariable mask) {
    Stream with(SDVariable changed) {
      return new Stream(changed, width, groups, tokens, mask);
    }
  }

  private final Config config;
  private final Layers layers;
  private final Ops ops;

  private FusionEncoder(Config config, Layers layers) {
    this.config = config;
    this.layers = layers;
    this.ops = layers.ops();
  }

  /**
   * Builds it; parameters begin with {@code fusion.}.
   *
   * @param readsPictures whether anybody reads the states of pictures behind the last layer; if
   *     not, that layer changes none
   */
  public static Handles build(Config config, Layers layers, Inputs inputs, boolean readsPictures) {
    config.checkWidths(inputs.textWidth(), inputs.pictureWidth());
    return new FusionEncoder(config, layers).build(inputs, readsPictures);
  }

  private Handles build(Inputs in, boolean readsPictures) {
    Shape shape = in.shape();
    int pairs = shape.batch() * shape.texts();
    boolean both = config.direction() == Direction.BOTH;
    SDVariable mask =
        new TransformerOps(ops)
            .keyMask(in.mask(), pairs, shape.length(), config.numAttentionHeads());
    SDVariable pictures = norm("picture_layer_norm", in.pictures(), in.pictureWidth()); // [B*T, D']
    Stream x = new Stream(in.texts(), in.textWidth(), pairs, shape.length(), mask);
    Stream v =
        new Stream(
            both ? repeated(pictures, shape) : pictures,
            in.pictureWidth(),
            both ? pairs : shape.batch(),
            shape.tokens(),
            null);
    for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
      String name = "layers.%d.".formatted(layer);
      boolean last = layer == config.numHiddenLayers() - 1;
      Stream changed = layer(name + "text.", x, v);
      v = both && (readsPictures || !last) ? layer(name + "picture.", v, x) : v;
      x = changed;
    }
    SDVariable texts = norm("text_final_layer_norm", x.rows(), x.width());
    if (!readsPictures) {
      return new Handles(texts, null);
    }
    return new Handles(
        texts, both ? norm("picture_final_layer_norm", v.rows(), v.width()) : v.rows());
  }

  /** Each picture's states once for each of its texts: [B*T, D'] -> [B*R*T, D']. */
  private SDVariable repeated(SDVariable pictures, Shape shape) {
    int each = shape.texts() * shape.tokens();
    int[] rows =
        IntStream.range(0, shape.batch() * each)
            .map(i -> i / each * shape.tokens() + i % shape.tokens())
            .toArray();
    SDVariable indices = ops.graph().constant(Nd4j.createFromArray(rows));
    return ops.embedding(pictures, indices, (long) shape.batch() * shape.tokens());
  }

  private Stream layer(String name, Stream x, Stream source) {
    SDVariable h = x.rows();
    SDVariable u = norm(name + "layer_norm1", h, x.width());
    h = h.add(attention(name + "self_attn.", x, u, x.with(u), x.groups()));
    u = norm(name + "layer_norm2", h, x.width());
    // the texts of a picture are queries to the same keys
    h = h.add(attention(name + "cross_attn.", x, u, source, Math.min(x.groups(), source.groups())));
    u = norm(name + "layer_norm3", h, x.width());
    return x.with(h.add(feedForward(name + "mlp.", u, x.width())));
  }

  private SDVariable attention(
      String name, Stream x, SDVariable queries, Stream source, int batch) {
    CrossModalAttention.Shape shape =
        new CrossModalAttention.Shape(batch, x.groups() / batch * x.tokens(), source.tokens());
    return CrossModalAttention.build(
            CrossModalAttention.Config.between(
                x.width(), source.width(), config.numAttentionHeads()),
            layers,
            ROOT + name,
            queries,
            source.rows(),
            source.rows(),
            source.mask(),
            shape,
            residualDeviation(x.width()))
        .output();
  }

  private SDVariable feedForward(String name, SDVariable x, int width) {
    int inner = config.intermediateSize();
    String root = ROOT + name;
    SDVariable h = layers.normalLinear(root + "fc1", x, 1 / Math.sqrt(2.0 * width), width, inner);
    return layers.normalLinear(
        root + "fc2", config.hiddenAct().apply(ops, h), residualDeviation(width), inner, width);
  }

  /** Of the projections whose results are added to the stream. */
  private double residualDeviation(int width) {
    return 1 / Math.sqrt(3.0 * width * config.numHiddenLayers());
  }

  private SDVariable norm(String name, SDVariable x, int width) {
    return layers.layerNorm(ROOT + name, x, width, config.layerNormEps());
  }
}

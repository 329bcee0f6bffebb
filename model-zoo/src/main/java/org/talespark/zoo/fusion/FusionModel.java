package org.talespark.zoo.fusion;

import static java.util.Objects.requireNonNull;
import static org.talespark.zoo.fusion.FusionChecks.check;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.ContrastivePull;
import org.talespark.zoo.contrastive.JointEmbedding;
import org.talespark.zoo.contrastive.VisionEncoder;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextEncoder;

/**
 * A model that reads a picture and a text together (ALBEF, Li 2021, arXiv:2107.07651, figure 1):
 * CLIP's two towers, aligned by the contrastive loss, and behind them a fusion encoder with heads
 * for missing words and for matching.
 *
 * <p>B pictures, N tokens of a text, T of a picture, D and D' widths of the towers' states, P
 * projection_dim, K masked positions of a text at most, E negatives of a picture, V vocab_size.
 *
 * <pre>
 *   pixel_values [B, C, S, S] -> vision_model -> states [B*T, D']
 *   input_ids, masked_ids [B*N], negative_ids [B*E*N] -> text_model -> states
 *   contrastive  class tokens and ends of input_ids -> {@link JointEmbedding} -> embeddings [B, P]
 *   fusion       of each picture R texts: masked, its own, the negatives -> {@link FusionEncoder}
 *   mlm          states at masked_places [B*K, D] -> {@link MaskedLanguageHead} -> [B*K, V]
 *   itm          states at match_ends [B*(1+E), D] and of the picture's class token [B*(1+E), D']
 *                -> {@link MultimodalFusion} -> two classes, no and yes
 * </pre>
 *
 * <p>Tensors of the towers have the names and shapes of Hugging Face's {@code CLIPModel}. Other
 * than in ALBEF, the text tower is causal; fusion layers see the whole text. There is no momentum
 * model.
 */
public final class FusionModel {
  static final String INPUT_IDS = "input_ids";
  static final String ENDS = "ends";
  static final String MASKED_IDS = "masked_ids";
  static final String NEGATIVE_IDS = "negative_ids";
  static final String TEXT_MASK = "text_mask";
  static final String MASKED_PLACES = "masked_places";
  static final String MASKED_LABELS = "masked_labels";
  static final String MASKED_WEIGHTS = "masked_weights";
  static final String MATCH_ENDS = "match_ends";
  static final String MATCH_WEIGHTS = "match_weights";

  static final String MASKED_LOSSES = "masked_losses";
  static final String MASKED_PREDICTED = "masked_predicted";
  static final String MASKED_LOSS = "masked_loss";
  static final String MATCH_LOSSES = "match_losses";
  static final String MATCH_PREDICTED = "match_predicted";
  static final String MATCH_LOSS = "match_loss";

  private static final String TOKEN_EMBEDDING = "text_model.embeddings.token_embedding.weight";
  private static final int CLASSES = 2;

  /**
   * Its size.
   *
   * @param clip the towers
   * @param fusion the encoder behind them
   * @param fusionDim F of the head that judges pairs
   */
  public record Config(ClipModel.Config clip, FusionEncoder.Config fusion, int fusionDim) {
    public Config {
      requireNonNull(clip, "model.clip");
      requireNonNull(fusion, "model.fusion");
      check(fusionDim >= 1, "model.fusion_dim", fusionDim, "at least 1");
      fusion.checkWidths(clip.textConfig().hiddenSize(), clip.visionConfig().hiddenSize());
    }
  }

  /**
   * How many there are.
   *
   * @param batch B
   * @param length N
   * @param masked K
   * @param negatives E
   */
  record Shape(int batch, int length, int masked, int negatives) {

    /** 1 + E. */
    int matches() {
      return 1 + negatives;
    }
  }

  private final Config config;
  private final Objectives objectives;
  private final Shape shape;

  /** Of what a graph is made. */
  FusionModel(Config config, Objectives objectives, Shape shape) {
    this.config = config;
    this.objectives = objectives;
    this.shape = shape;
  }

  Shape shape() {
    return shape;
  }

  ClipModel.Config clip() {
    return config.clip();
  }

  boolean contrasts() {
    return objectives.contrastive() != null;
  }

  boolean masks() {
    return objectives.mlm() != null;
  }

  boolean matches() {
    return objectives.itm() != null;
  }

  /** R, texts of a picture in the fusion encoder. */
  int texts() {
    return (masks() ? 1 : 0) + (matches() ? shape.matches() : 0);
  }

  /** Which of a picture's R texts is its own, unchanged; the negatives follow it. */
  int own() {
    return masks() ? 1 : 0;
  }

  /**
   * Builds everything but the contrastive loss itself.
   *
   * @param pull where that loss enters, or null in evaluation
   * @return the names of the losses
   */
  List<String> build(Layers layers, ContrastivePull pull) {
    Ops ops = layers.ops();
    ClipModel.Config clip = config.clip();
    int batch = shape.batch();
    int length = shape.length();
    int width = clip.textConfig().hiddenSize();
    List<String> losses = new ArrayList<>();
    SDVariable pixels = ops.input(ClipModel.PIXEL_VALUES, ClipModel.pixelShape(clip, batch));
    SDVariable pictures = VisionEncoder.states(clip.visionConfig(), layers, pixels, batch);
    Towers towers = new Towers(layers);
    SDVariable own = contrasts() || matches() ? towers.read(INPUT_IDS, 1) : null;
    if (contrasts()) {
      SDVariable pooled = VisionEncoder.pooled(clip.visionConfig(), layers, pictures, batch);
      SDVariable images =
          JointEmbedding.pictures(
              layers, pooled, clip.visionConfig().hiddenSize(), clip.projectionDim());
      SDVariable ends = ops.indices(ENDS, batch);
      SDVariable atEnds = ops.embedding(own, ends, (long) batch * length); // [B, D]
      SDVariable texts = JointEmbedding.texts(layers, atEnds, width, clip.projectionDim());
      ops.name(ClipModel.IMAGE_EMBEDS, images);
      ops.name(ClipModel.TEXT_EMBEDS, texts);
      if (pull != null) {
        losses.add(pull.build(clip, layers, images, texts).name());
      }
    }
    List<SDVariable> groups = new ArrayList<>(); // each [B, texts*N, D]
    if (masks()) {
      groups.add(towers.grouped(towers.read(MASKED_IDS, 1), 1));
    }
    if (matches()) {
      groups.add(towers.grouped(own, 1));
      groups.add(towers.grouped(towers.read(NEGATIVE_IDS, shape.negatives()), shape.negatives()));
    }
    FusionEncoder.Handles fused = fuse(layers, groups, pictures);
    if (masks()) {
      losses.add(masked(layers, fused.texts()));
    }
    if (matches()) {
      losses.add(matched(layers, fused));
    }
    return losses;
  }

  /** One text tower for all texts. */
  private final class Towers {
    private final Layers first;
    private boolean built;

    Towers(Layers layers) {
      this.first = layers;
    }

    /** [B*count*N] tokens -> [B*count*N, D]. */
    SDVariable read(String name, int count) {
      int rows = shape.batch() * count;
      SDVariable ids = first.ops().indices(name, (long) rows * shape.length());
      Layers layers = built ? first.again() : first;
      built = true;
      return TextEncoder.build(config.clip().textConfig(), layers, ids, rows, shape.length());
    }

    /** [B*count*N, D] -> [B, count*N, D]. */
    SDVariable grouped(SDVariable states, int count) {
      int width = config.clip().textConfig().hiddenSize();
      return first.ops().reshape(states, shape.batch(), (long) count * shape.length(), width);
    }
  }

  private FusionEncoder.Handles fuse(Layers layers, List<SDVariable> groups, SDVariable pictures) {
    Ops ops = layers.ops();
    int width = config.clip().textConfig().hiddenSize();
    int pairs = shape.batch() * texts();
    SDVariable all =
        groups.size() == 1 ? groups.get(0) : ops.concat(1, groups.toArray(SDVariable[]::new));
    FusionEncoder.Inputs inputs =
        new FusionEncoder.Inputs(
            ops.reshape(all, (long) pairs * shape.length(), width), // [B*R*N, D]
            width,
            ops.input(TEXT_MASK, pairs, shape.length()),
            pictures,
            config.clip().visionConfig().hiddenSize(),
            new FusionEncoder.Shape(
                shape.batch(), texts(), shape.length(), config.clip().visionConfig().tokens()));
    return FusionEncoder.build(config.fusion(), layers, inputs, matches());
  }

  /** The loss at masked positions; where a text has fewer than K, the rest weighs nothing. */
  private String masked(Layers layers, SDVariable fused) {
    Ops ops = layers.ops();
    TextEncoder.Config text = config.clip().textConfig();
    long positions = (long) shape.batch() * shape.masked();
    SDVariable places = ops.indices(MASKED_PLACES, positions);
    SDVariable labels = ops.indices(MASKED_LABELS, positions);
    SDVariable weights = ops.input(MASKED_WEIGHTS, positions);
    SDVariable states =
        ops.embedding(fused, places, (long) shape.batch() * texts() * shape.length());
    SDVariable logits =
        MaskedLanguageHead.build(
            layers,
            states,
            ops.graph().getVariable(TOKEN_EMBEDDING),
            text.hiddenSize(),
            text.vocabSize(),
            config.fusion().hiddenAct(),
            config.fusion().layerNormEps());
    ops.name(MASKED_PREDICTED, ops.argMinOfRows(logits.neg()));
    return loss(ops, logits, labels, weights, text.vocabSize(), MASKED_LOSSES, MASKED_LOSS);
  }

  /** The loss of pairs, the picture's own text first. */
  private String matched(Layers layers, FusionEncoder.Handles fused) {
    Ops ops = layers.ops();
    int batch = shape.batch();
    int matches = shape.matches();
    int tokens = config.clip().visionConfig().tokens();
    int pairs = batch * matches;
    SDVariable ends = ops.indices(MATCH_ENDS, pairs);
    SDVariable weights = ops.input(MATCH_WEIGHTS, pairs);
    boolean copies = config.fusion().direction() == FusionEncoder.Direction.BOTH;
    int perPicture = copies ? texts() : 1; // copies of a picture's states
    int[] classTokens =
        IntStream.range(0, pairs)
            .map(i -> i / matches * perPicture + (copies ? own() + i % matches : 0))
            .map(copy -> copy * tokens)
            .toArray();
    int[] answers = IntStream.range(0, pairs).map(i -> i % matches == 0 ? 1 : 0).toArray();
    SDVariable text = ops.embedding(fused.texts(), ends, (long) batch * texts() * shape.length());
    SDVariable picture =
        ops.embedding(
            fused.pictures(), constant(ops, classTokens), (long) batch * perPicture * tokens);
    MultimodalFusion.Config head =
        new MultimodalFusion.Config(
            config.clip().textConfig().hiddenSize(),
            config.clip().visionConfig().hiddenSize(),
            config.fusionDim(),
            CLASSES);
    SDVariable logits = MultimodalFusion.build(head, layers, "itm_head.", text, picture);
    ops.name(MATCH_PREDICTED, ops.argMinOfRows(logits.neg()));
    return loss(ops, logits, constant(ops, answers), weights, CLASSES, MATCH_LOSSES, MATCH_LOSS);
  }

  private static SDVariable constant(Ops ops, int[] values) {
    return ops.graph().constant(Nd4j.createFromArray(values));
  }

  private static String loss(
      Ops ops,
      SDVariable logits,
      SDVariable labels,
      SDVariable weights,
      int classes,
      String each,
      String sum) {
    SDVariable losses = ops.name(each, ops.crossEntropy(logits, labels, classes));
    return ops.name(sum, losses.mul(weights).sum()).name();
  }
}

package org.talespark.zoo.fusion;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.contrastive.JointEmbedding;
import org.talespark.zoo.contrastive.PairLoss;
import org.talespark.zoo.contrastive.VisionEncoder;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextEncoder;

/**
 * The loss of a whole batch by its definition: every pair by itself, texts without padding, one
 * term of the loss after the other, all in one graph of doubles.
 */
final class WholeLoss {
  private final FusionLearnerConfig config;
  private final ClipModel.Config clip;
  private final Ops ops = new Ops(DataType.DOUBLE);
  private final Layers layers;
  private final Set<String> built = new HashSet<>();

  WholeLoss(FusionLearnerConfig config, long seed) {
    this.config = config;
    this.clip = config.model().clip();
    this.layers = Layers.trainable(ops, seed);
  }

  /** What a batch is made of. */
  @SuppressWarnings("ArrayRecordComponent")
  record Inputs(
      float[] pictures,
      int count,
      ClipTexts.Rows own,
      MaskedTokens masked,
      ClipTexts.Rows negatives) {}

  /** Layers that make a part's parameters the first time, and take them again after that. */
  private Layers part(String name) {
    return built.add(name) ? layers : layers.again();
  }

  /**
   * Losses "contrastive", "mlm" and "itm", as far as they are there, each with its weight; outputs
   * "images" and "texts".
   */
  CompiledGraph build(Inputs in) {
    Objectives objectives = config.objectives();
    List<SDVariable> images = new ArrayList<>();
    List<SDVariable> texts = new ArrayList<>();
    List<SDVariable> words = new ArrayList<>();
    List<SDVariable> matches = new ArrayList<>();
    for (int i = 0; i < in.count(); i++) {
      int[] ids = text(in.own(), i);
      SDVariable picture = picture(in.pictures(), i);
      if (objectives.contrastive() != null) {
        images.add(
            JointEmbedding.pictures(
                part("image"),
                part("pool")
                    .layerNorm(
                        "vision_model.post_layernorm",
                        row(picture, 0, clip.visionConfig().tokens()),
                        clip.visionConfig().hiddenSize(),
                        1e-5),
                clip.visionConfig().hiddenSize(),
                clip.projectionDim()));
        texts.add(
            JointEmbedding.texts(
                part("text"),
                row(read(ids), ids.length - 1, ids.length),
                clip.textConfig().hiddenSize(),
                clip.projectionDim()));
      }
      if (objectives.mlm() != null) {
        int[] masked = Arrays.copyOf(ids, ids.length);
        System.arraycopy(in.masked().ids(), i * config.contextLength(), masked, 0, ids.length);
        FusionEncoder.Handles fused = fuse(masked, picture);
        for (int k = 0; k < in.masked().count(i); k++) {
          SDVariable state = row(fused.texts(), in.masked().position(i, k), ids.length);
          words.add(word(state, in.masked().label(i, k)));
        }
      }
      if (objectives.itm() != null && in.negatives() != null) {
        matches.add(match(ids, picture, 1));
        matches.add(match(text(in.negatives(), 2 * i), picture, 0));
        matches.add(match(text(in.negatives(), 2 * i + 1), picture, 0));
      }
    }
    List<String> losses = new ArrayList<>();
    if (objectives.contrastive() != null) {
      losses.add(contrast(images, texts));
    }
    if (!words.isEmpty()) {
      losses.add(mean("mlm", words, objectives.mlm().weight()));
    }
    if (!matches.isEmpty()) {
      losses.add(mean("itm", matches, objectives.itm().weight()));
    }
    CompiledGraph.Builder builder = CompiledGraph.of(ops.graph());
    if (objectives.contrastive() != null) {
      builder.outputs("images", "texts");
    }
    return builder
        .losses(losses.toArray(String[]::new))
        .outputs(losses.toArray(String[]::new))
        .train(layers.names())
        .build();
  }

  /** The tokens of a text, its padding left out. */
  private int[] text(ClipTexts.Rows rows, int text) {
    return Arrays.copyOfRange(rows.ids(), text * config.contextLength(), rows.ends()[text] + 1);
  }

  private SDVariable constant(int... values) {
    return ops.graph().constant(Nd4j.createFromArray(values));
  }

  /** [T, D']. */
  private SDVariable picture(float[] pictures, int i) {
    int each = clip.pixels();
    INDArray pixels =
        Nd4j.createFromArray(Arrays.copyOfRange(pictures, i * each, (i + 1) * each))
            .castTo(DataType.DOUBLE)
            .reshape(ClipModel.pixelShape(clip, 1));
    return VisionEncoder.states(
        clip.visionConfig(), part("vision"), ops.graph().constant(pixels), 1);
  }

  /** [n, D]. */
  private SDVariable read(int[] ids) {
    return TextEncoder.build(clip.textConfig(), part("tower"), constant(ids), 1, ids.length);
  }

  private SDVariable row(SDVariable rows, int row, int count) {
    INDArray one = Nd4j.zeros(DataType.DOUBLE, 1, count);
    one.putScalar(0, row, 1);
    return ops.matmul(ops.graph().constant(one), rows, false, false);
  }

  private FusionEncoder.Handles fuse(int[] ids, SDVariable picture) {
    int tokens = clip.visionConfig().tokens();
    FusionEncoder.Inputs inputs =
        new FusionEncoder.Inputs(
            read(ids),
            clip.textConfig().hiddenSize(),
            ops.graph().constant(Nd4j.ones(DataType.DOUBLE, 1, ids.length)),
            picture,
            clip.visionConfig().hiddenSize(),
            new FusionEncoder.Shape(1, 1, ids.length, tokens));
    boolean matches = config.objectives().itm() != null;
    return FusionEncoder.build(config.model().fusion(), part("fusion"), inputs, matches);
  }

  private SDVariable word(SDVariable state, int label) {
    int vocabulary = clip.textConfig().vocabSize();
    SDVariable logits =
        MaskedLanguageHead.build(
            part("mlm"),
            state,
            ops.graph().getVariable("text_model.embeddings.token_embedding.weight"),
            clip.textConfig().hiddenSize(),
            vocabulary,
            config.model().fusion().hiddenAct(),
            1e-5);
    return surprise(logits, label, vocabulary);
  }

  private SDVariable match(int[] ids, SDVariable picture, int answer) {
    FusionEncoder.Handles fused = fuse(ids, picture);
    int tokens = clip.visionConfig().tokens();
    SDVariable logits =
        MultimodalFusion.build(
            new MultimodalFusion.Config(
                clip.textConfig().hiddenSize(),
                clip.visionConfig().hiddenSize(),
                config.model().fusionDim(),
                2),
            part("itm"),
            "itm_head.",
            row(fused.texts(), ids.length - 1, ids.length),
            row(fused.pictures(), 0, tokens));
    return surprise(logits, answer, 2);
  }

  /** -log of a class's probability: logits [1, classes] -> a scalar. */
  private SDVariable surprise(SDVariable logits, int label, int classes) {
    INDArray one = Nd4j.zeros(DataType.DOUBLE, 1, classes);
    one.putScalar(0, label, -1);
    return ops.logSoftmax(logits, 1).mul(ops.graph().constant(one)).sum();
  }

  private String mean(String name, List<SDVariable> terms, double weight) {
    SDVariable sum = terms.get(0);
    for (SDVariable term : terms.subList(1, terms.size())) {
      sum = sum.add(term);
    }
    return ops.name(name, sum.mul(weight / terms.size())).name();
  }

  private String contrast(List<SDVariable> images, List<SDVariable> texts) {
    int n = images.size();
    SDVariable x = ops.name("images", ops.concat(0, images.toArray(SDVariable[]::new)));
    SDVariable t = ops.name("texts", ops.concat(0, texts.toArray(SDVariable[]::new)));
    SDVariable scale = ops.graph().math().exp(ClipModel.logitScale(clip, layers));
    SDVariable logits = ops.matmul(x, t, false, true).mul(scale);
    Objectives.Contrastive objective = config.objectives().contrastive();
    SDVariable loss;
    if (objective.loss() instanceof PairLoss.Sigmoid sigmoid) {
      INDArray signs = Nd4j.eye(n).castTo(DataType.DOUBLE).muli(-2).addi(1);
      SDVariable bias = layers.parameter("logit_bias", Nd4j.scalar(sigmoid.bias()));
      loss = ops.softplus(logits.add(bias).mul(ops.frozen("signs", signs))).sum().mul(1.0 / n);
    } else {
      SDVariable all = ops.logSoftmax(logits, 1).add(ops.logSoftmax(logits, 0));
      loss = all.mul(ops.frozen("own", Nd4j.eye(n))).sum().mul(-0.5 / n);
    }
    return ops.name("contrastive", loss.mul(objective.weight())).name();
  }
}

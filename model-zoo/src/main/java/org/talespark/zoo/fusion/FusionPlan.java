package org.talespark.zoo.fusion;

import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.contrastive.ContrastivePull;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.nn.Layers;

/**
 * A {@link FusionModel} as a plan, in training or evaluation, and its inputs.
 *
 * <p>A step has two parts. The towers come first; then what needs all workers: the contrastive
 * loss, the negatives, how many positions and pairs there are in all; behind them fusion, heads and
 * the backward pass.
 */
final class FusionPlan implements AutoCloseable {
  /** Gradients are exchanged in parts of this size while the backward pass goes on. */
  private static final long BUCKET_BYTES = 1 << 20;

  final CompiledGraph graph;
  private final FusionModel model;

  private FusionPlan(FusionModel model, CompiledGraph graph) {
    this.model = model;
    this.graph = graph;
  }

  /**
   * With fresh weights, which it trains.
   *
   * @param pull null where there is no contrastive loss
   */
  static FusionPlan training(FusionModel model, ContrastivePull pull, DataType type, long seed) {
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, seed);
    List<String> losses = model.build(layers, pull);
    CompiledGraph.Builder builder = inputs(model, CompiledGraph.of(ops.graph()));
    if (pull != null) {
      pull.inputs(builder);
    }
    builder.losses(losses.toArray(String[]::new)).train(layers.names()).bucketBytes(BUCKET_BYTES);
    return new FusionPlan(model, builder.build());
  }

  /** Under these weights. */
  static FusionPlan evaluation(FusionModel model, DataType type, Parameters weights) {
    Ops ops = new Ops(type);
    model.build(Layers.bound(ops), null);
    CompiledGraph.Builder builder = inputs(model, CompiledGraph.of(ops.graph()));
    return new FusionPlan(model, builder.bind(weights).build());
  }

  private static CompiledGraph.Builder inputs(FusionModel model, CompiledGraph.Builder builder) {
    FusionModel.Shape shape = model.shape();
    int batch = shape.batch();
    int length = shape.length();
    builder.input(ClipModel.PIXEL_VALUES, ClipModel.pixelShape(model.clip(), batch));
    if (model.contrasts() || model.matches()) {
      builder.input(FusionModel.INPUT_IDS, (long) batch * length);
    }
    if (model.contrasts()) {
      builder.input(FusionModel.ENDS, batch).outputs(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS);
    }
    builder.lateInput(FusionModel.TEXT_MASK, (long) batch * model.texts(), length);
    if (model.masks()) {
      long positions = (long) batch * shape.masked();
      builder
          .input(FusionModel.MASKED_IDS, (long) batch * length)
          .input(FusionModel.MASKED_PLACES, positions)
          .input(FusionModel.MASKED_LABELS, positions)
          .lateInput(FusionModel.MASKED_WEIGHTS, positions)
          .outputs(FusionModel.MASKED_LOSSES, FusionModel.MASKED_PREDICTED);
    }
    if (model.matches()) {
      long pairs = (long) batch * shape.matches();
      builder
          .lateInput(FusionModel.NEGATIVE_IDS, (long) batch * shape.negatives() * length)
          .lateInput(FusionModel.MATCH_ENDS, pairs)
          .lateInput(FusionModel.MATCH_WEIGHTS, pairs)
          .outputs(FusionModel.MATCH_LOSSES, FusionModel.MATCH_PREDICTED);
    }
    return builder;
  }

  /** Fills what the towers read; of fewer pairs than B the rest is zeros. */
  void fillPairs(float[] pictures, ClipTexts.Rows own) {
    int batch = model.shape().batch();
    graph.fill(ClipModel.PIXEL_VALUES, Arrays.copyOf(pictures, batch * model.clip().pixels()));
    if (model.contrasts() || model.matches()) {
      graph.fill(FusionModel.INPUT_IDS, own.ids());
    }
    if (model.contrasts()) {
      graph.fill(FusionModel.ENDS, own.ends());
    }
  }

  /** Fills the masked texts and what they should be. */
  void fillMasked(MaskedTokens masked) {
    FusionModel.Shape shape = model.shape();
    int most = shape.masked();
    int[] places = new int[shape.batch() * most];
    int[] labels = new int[places.length];
    for (int b = 0; b < shape.batch(); b++) {
      for (int k = 0; k < masked.count(b); k++) {
        places[b * most + k] = row(b, 0) + masked.position(b, k);
        labels[b * most + k] = masked.label(b, k);
      }
    }
    graph.fill(FusionModel.MASKED_IDS, masked.ids());
    graph.fill(FusionModel.MASKED_PLACES, places);
    graph.fill(FusionModel.MASKED_LABELS, labels);
  }

  /** The weight of each masked position's loss. */
  void fillMaskedWeights(MaskedTokens masked, double weight) {
    int most = model.shape().masked();
    double[] all = new double[model.shape().batch() * most];
    for (int i = 0; i < all.length; i++) {
      all[i] = i % most < masked.count(i / most) ? weight : 0;
    }
    fill(FusionModel.MASKED_WEIGHTS, all);
  }

  /**
   * Fills which tokens are no padding, and, where pairs are judged, the negatives.
   *
   * @param own texts [B*N]
   * @param negatives texts [B*E*N]; null where no pairs are judged
   */
  void fillTexts(ClipTexts.Rows own, ClipTexts.Rows negatives) {
    FusionModel.Shape shape = model.shape();
    float[] mask = new float[shape.batch() * model.texts() * shape.length()];
    int[] ends = new int[shape.batch() * shape.matches()];
    for (int b = 0; b < shape.batch(); b++) {
      int end = own.ends()[b] % shape.length();
      for (int text = 0; text <= model.own() && text < model.texts(); text++) {
        Arrays.fill(mask, row(b, text), row(b, text) + end + 1, 1); // masked, and as it is
      }
      for (int e = 0; negatives != null && e < shape.negatives(); e++) {
        int at = row(b, model.own() + 1 + e);
        int last = at + negatives.ends()[b * shape.negatives() + e] % shape.length();
        Arrays.fill(mask, at, last + 1, 1);
        ends[b * shape.matches() + 1 + e] = last;
      }
      ends[b * shape.matches()] = row(b, model.own()) + end;
    }
    graph.fill(FusionModel.TEXT_MASK, mask);
    if (negatives != null) {
      graph.fill(FusionModel.NEGATIVE_IDS, negatives.ids());
      graph.fill(FusionModel.MATCH_ENDS, ends);
    }
  }

  /** Where one of a picture's texts begins among the rows of the fusion encoder. */
  private int row(int picture, int text) {
    return (picture * model.texts() + text) * model.shape().length();
  }

  /**
   * The weight of each pair's loss.
   *
   * @param counts how many of a picture's pairs count, from its own text on
   */
  void fillMatchWeights(int[] counts, double weight) {
    int matches = model.shape().matches();
    double[] all = new double[model.shape().batch() * matches];
    for (int i = 0; i < all.length; i++) {
      all[i] = i % matches < counts[i / matches] ? weight : 0;
    }
    fill(FusionModel.MATCH_WEIGHTS, all);
  }

  private void fill(String name, double[] values) {
    INDArray input = graph.input(name);
    input.assign(Nd4j.createFromArray(values).castTo(input.dataType()));
  }

  @Override
  public void close() {
    graph.close();
  }
}

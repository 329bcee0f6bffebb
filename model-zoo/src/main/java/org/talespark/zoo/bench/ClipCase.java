package org.talespark.zoo.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.VisionEncoder;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextEncoder;

/**
 * A training step of CLIP: both towers and the symmetric loss over the batch's pairs. The plan is
 * made of the model as it is trained, the interpreter runs its twin without fused operations;
 * gradients differ by rounding.
 *
 * @param batch pairs
 */
record ClipCase(ClipModel.Config config, int batch) implements StepCase {

  /** The shapes of ViT-B/32 of the paper: pictures of 224 pixels, texts of 77 tokens; 8 pairs. */
  static ClipCase vitB32() {
    TextEncoder.Config text =
        new TextEncoder.Config(49408, 512, 2048, 12, 8, 77, 1e-5, Activation.QUICK_GELU, 49407);
    VisionEncoder.Config vision =
        new VisionEncoder.Config(768, 3072, 12, 12, 3, 224, 32, 1e-5, Activation.QUICK_GELU);
    return new ClipCase(new ClipModel.Config(text, vision, 512, Math.log(1 / 0.07)), 8);
  }

  @Override
  public String name() {
    return "clip_b32_step";
  }

  @Override
  public Map<String, INDArray> inputs() {
    SplittableRandom random = new SplittableRandom(2);
    int length = config.textConfig().maxPositionEmbeddings();
    int end = config.textConfig().eosTokenId();
    int[] ids = random.ints((long) batch * length, 0, end).toArray();
    for (int b = 0; b < batch; b++) {
      ids[b * length + random.nextInt(1, length)] = end;
    }
    Map<String, INDArray> inputs = new LinkedHashMap<>();
    inputs.put(
        ClipModel.PIXEL_VALUES, StepCase.normal(random, 1, ClipModel.pixelShape(config, batch)));
    inputs.put(ClipModel.INPUT_IDS, Nd4j.createFromArray(ids));
    inputs.put(ClipModel.ENDS, Nd4j.createFromArray(ClipModel.ends(config, ids, length)));
    return inputs;
  }

  @Override
  public SameDiff graph() {
    return graph(new Ops(DataType.FLOAT));
  }

  @Override
  public Interpreted interpreted() {
    return StepCase.twin(graph(new Ops(DataType.FLOAT, false)), inputs());
  }

  private SameDiff graph(Ops ops) {
    Layers layers = Layers.trainable(ops, 1);
    SDVariable pictures = ClipModel.pictures(config, layers, batch).embeds();
    SDVariable texts =
        ClipModel.texts(config, layers, batch, config.textConfig().maxPositionEmbeddings())
            .embeds();
    SDVariable scale = ops.graph().math().exp(ClipModel.logitScale(config, layers));
    SDVariable pairs =
        ops.graph().constant(Nd4j.createFromArray(IntStream.range(0, batch).toArray()));
    SDVariable ofTexts = ops.matmul(texts, pictures, false, true).mul(scale); // [B, B]
    SDVariable ofPictures = ops.matmul(pictures, texts, false, true).mul(scale);
    SDVariable sum =
        ops.crossEntropy(ofTexts, pairs, batch).add(ops.crossEntropy(ofPictures, pairs, batch));
    ops.name(LOSS, sum.mean().mul(0.5));
    return ops.graph();
  }
}

package org.talespark.zoo.contrastive;

import java.util.Random;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Normal;
import org.talespark.zoo.text.TextEncoder;

/** Small CLIPs, for tests. */
final class Clips {
  static final int VOCABULARY = 11;
  static final int LENGTH = 7;
  static final int END = 10;

  /** Pictures of 11 pixels a side with patches of 4 (3 are left over), texts of 7 tokens, P = 6. */
  static final ClipModel.Config CONFIG = config(END, Activation.QUICK_GELU);

  private Clips() {}

  static ClipModel.Config config(int end, Activation activation) {
    return new ClipModel.Config(
        new TextEncoder.Config(VOCABULARY, 8, 12, 2, 2, LENGTH, 1e-5, activation, end),
        new VisionEncoder.Config(12, 16, 2, 3, 3, 11, 4, 1e-5, activation),
        6,
        Math.log(1 / 0.07));
  }

  /** A plan of both towers whose loss is the embeddings' product with fixed numbers. */
  static CompiledGraph plan(ClipModel.Config config, DataType type, int batch) {
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, 3);
    ClipModel.pictures(config, layers, batch);
    ClipModel.texts(config, layers, batch, LENGTH);
    SDVariable pull = pull(ops, ClipModel.IMAGE_EMBEDS, config, batch);
    ops.name("loss", pull.add(pull(ops, ClipModel.TEXT_EMBEDS, config, batch)));
    CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input(ClipModel.PIXEL_VALUES, ClipModel.pixelShape(config, batch))
            .input(ClipModel.INPUT_IDS, (long) batch * LENGTH)
            .input(ClipModel.ENDS, batch)
            .outputs(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS)
            .train(layers.names())
            .losses("loss")
            .gradientOf(ClipModel.PIXEL_VALUES)
            .build();
    // norms begin at one and biases at zero, which would hide a gain or bias that is not used
    plan.parameters()
        .views()
        .forEach((name, view) -> view.addi(Normal.fill(9, name, 0.2, view.shape(), type)));
    return plan;
  }

  private static SDVariable pull(Ops ops, String embeds, ClipModel.Config config, int batch) {
    long[] shape = {batch, config.projectionDim()};
    return ops.graph()
        .getVariable(embeds)
        .mul(ops.frozen(embeds + "_factors", Normal.fill(4, embeds, 1, shape, ops.type())))
        .sum();
  }

  static float[] pixels(ClipModel.Config config, long seed, int batch) {
    float[] pixels = new float[batch * config.pixels()];
    Normal.fill(seed * 7919, pixels, 0, pixels.length);
    return pixels;
  }

  /** Random tokens, with the end in each row but the first, and padding of zeros behind it. */
  static int[] ids(ClipModel.Config config, long seed, int batch) {
    Random random = new Random(seed);
    int[] ids = random.ints((long) batch * LENGTH, 3, END).toArray();
    for (int b = 1; b < batch; b++) {
      int at = 1 + random.nextInt(LENGTH - 1);
      ids[b * LENGTH + at] = config.textConfig().eosTokenId();
      for (int n = at + 1; n < LENGTH; n++) {
        ids[b * LENGTH + n] = 0;
      }
    }
    return ids;
  }

  static void fill(CompiledGraph plan, ClipModel.Config config, long seed, int batch) {
    int[] ids = ids(config, seed, batch);
    plan.fill(ClipModel.PIXEL_VALUES, pixels(config, seed, batch));
    plan.fill(ClipModel.INPUT_IDS, ids);
    plan.fill(ClipModel.ENDS, ClipModel.ends(config, ids, LENGTH));
  }
}

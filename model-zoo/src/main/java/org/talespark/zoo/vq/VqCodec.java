package org.talespark.zoo.vq;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Pretrained;

/**
 * A trained VQ model in use: pictures to codes, codes to pictures, batch by batch. Not thread-safe.
 */
public final class VqCodec implements AutoCloseable {
  private static final ObjectMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
  private static final String RECONSTRUCTION = "reconstruction";
  private static final String PICTURE = "picture";

  /** What a checkpoint's {@code config.json} says of a VQ model. */
  record ModelFile(VqModelConfig model, int sampleSize) {}

  /**
   * A batch after encoding and decoding.
   *
   * @param pictures [count, 3, size, size] in [-1, 1]
   * @param codes [count * side * side]
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Reconstruction(float[] pictures, int[] codes) {}

  private final ModelFile file;
  private final Pretrained weights;
  private final int batch;
  private final CompiledGraph both;
  private final String indices;
  private CompiledGraph decoder;

  /**
   * Loads a checkpoint.
   *
   * @param batch pictures a pass at most
   */
  public VqCodec(Pretrained checkpoint, int batch) {
    this.file = modelFile(checkpoint.config());
    this.weights = checkpoint;
    this.batch = batch;
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.bound(ops);
    VqModel model = file.model().build(layers, batch, file.sampleSize());
    ops.name(RECONSTRUCTION, model.reconstruction());
    this.indices = model.quantizer().indices().name();
    this.both =
        bind(layers, CompiledGraph.of(ops.graph()))
            .input(VqModel.PICTURES, batch, 3, file.sampleSize(), file.sampleSize())
            .outputs(RECONSTRUCTION, indices)
            .build();
  }

  private static ModelFile modelFile(JsonNode config) {
    try {
      return JSON.treeToValue(config, ModelFile.class);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint: its config.json is not of a VQ model (expected model and sample_size): "
              + e.getMessage().lines().findFirst().orElse(""),
          e);
    }
  }

  private CompiledGraph.Builder bind(Layers layers, CompiledGraph.Builder builder) {
    for (String name : layers.names()) {
      builder.bind(name, weights.tensor(name));
    }
    return builder.bind(file.model().codebook(), weights.tensor(file.model().codebook()));
  }

  /** Pixels a side. */
  public int size() {
    return file.sampleSize();
  }

  /** Codes a side. */
  public int side() {
    return file.sampleSize() / file.model().downsampling();
  }

  /** Codes in the codebook. */
  public int codes() {
    return file.model().quantizer().codes();
  }

  /** Encodes and decodes [count, 3, size, size]; count is at most the batch. */
  public Reconstruction reconstruct(float[] pictures, int count) {
    int perPicture = 3 * size() * size();
    both.fill(VqModel.PICTURES, Arrays.copyOf(pictures, batch * perPicture));
    both.run();
    return new Reconstruction(
        first(both.output(RECONSTRUCTION), count * perPicture),
        Arrays.copyOf(both.output(indices).toIntVector(), count * side() * side()));
  }

  /** Decodes [count * side * side] codes to [count, 3, size, size]; count is at most the batch. */
  public float[] decode(int[] codes, int count) {
    if (decoder == null) {
      Ops ops = new Ops(DataType.FLOAT);
      Layers layers = Layers.bound(ops);
      VqModel.Decoder built = file.model().buildDecoder(layers, batch, side());
      ops.name(PICTURE, built.picture());
      decoder =
          bind(layers, CompiledGraph.of(ops.graph()))
              .input(VqModel.CODES, (long) batch * side() * side())
              .outputs(PICTURE)
              .build();
    }
    int[] padded = Arrays.copyOf(codes, batch * side() * side());
    decoder.input(VqModel.CODES).assign(Nd4j.createFromArray(padded));
    decoder.run();
    return first(decoder.output(PICTURE), count * 3 * size() * size());
  }

  private static float[] first(INDArray array, int n) {
    return Arrays.copyOf(array.reshape(array.length()).toFloatVector(), n);
  }

  @Override
  public void close() {
    both.close();
    if (decoder != null) {
      decoder.close();
    }
  }
}

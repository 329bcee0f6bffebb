package org.talespark.zoo.vq;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Arrays;
import java.util.function.Function;
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
  private static final String INDICES = "nearest_codes";
  private static final String ENCODED = "encoded";

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
  private CompiledGraph both;
  private CompiledGraph encoder;
  private CompiledGraph decoder;
  private CompiledGraph vectorDecoder;

  /**
   * Loads a checkpoint.
   *
   * @param batch pictures a pass at most
   */
  public VqCodec(Pretrained checkpoint, int batch) {
    this.file = modelFile(checkpoint.config());
    this.weights = checkpoint;
    this.batch = batch;
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
    if (both == null) {
      both = forward(RECONSTRUCTION, INDICES);
    }
    both.fill(VqModel.PICTURES, Arrays.copyOf(pictures, batch * perPicture));
    both.run();
    return new Reconstruction(
        first(both.output(RECONSTRUCTION), count * perPicture),
        Arrays.copyOf(both.output(INDICES).toIntVector(), count * side() * side()));
  }

  /** Numbers of a latent's position. */
  public int latentChannels() {
    return file.model().quantizer().dimension();
  }

  /**
   * Encodes [count, 3, size, size] to latents [count, D, side, side], before they are quantised;
   * count is at most the batch.
   */
  public float[] encode(float[] pictures, int count) {
    if (encoder == null) {
      encoder = forward(ENCODED);
    }
    encoder.fill(VqModel.PICTURES, Arrays.copyOf(pictures, batch * 3 * size() * size()));
    encoder.run();
    return transposed(
        first(encoder.output(ENCODED), count * positions() * latentChannels()),
        count,
        positions(),
        latentChannels());
  }

  /** Decodes [count * side * side] codes to [count, 3, size, size]; count is at most the batch. */
  public float[] decode(int[] codes, int count) {
    if (decoder == null) {
      decoder = decoder(layers -> file.model().buildDecoder(layers, batch, side()));
    }
    int[] padded = Arrays.copyOf(codes, batch * positions());
    decoder.input(VqModel.CODES).assign(Nd4j.createFromArray(padded));
    decoder.run();
    return first(decoder.output(PICTURE), count * 3 * size() * size());
  }

  /**
   * Quantises and decodes latents [count, D, side, side] to [count, 3, size, size]; count is at
   * most the batch.
   */
  public float[] decodeLatents(float[] latents, int count) {
    if (vectorDecoder == null) {
      vectorDecoder = decoder(layers -> file.model().buildVectorDecoder(layers, batch, side()));
    }
    float[] rows = transposed(latents, count, latentChannels(), positions());
    vectorDecoder.fill(
        VqModel.VECTORS, Arrays.copyOf(rows, batch * positions() * latentChannels()));
    vectorDecoder.run();
    return first(vectorDecoder.output(PICTURE), count * 3 * size() * size());
  }

  /** From pictures, as far as these outputs need it. */
  private CompiledGraph forward(String... outputs) {
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.bound(ops);
    VqModel model = file.model().build(layers, batch, file.sampleSize());
    ops.name(RECONSTRUCTION, model.reconstruction());
    ops.name(INDICES, model.quantizer().indices());
    ops.name(ENCODED, model.quantizer().vectors());
    return bind(layers, CompiledGraph.of(ops.graph()))
        .input(VqModel.PICTURES, batch, 3, file.sampleSize(), file.sampleSize())
        .outputs(outputs)
        .build();
  }

  private CompiledGraph decoder(Function<Layers, VqModel.Decoder> build) {
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.bound(ops);
    VqModel.Decoder built = build.apply(layers);
    ops.name(PICTURE, built.picture());
    return bind(layers, CompiledGraph.of(ops.graph()))
        .input(built.input().name(), built.input().getShape())
        .outputs(PICTURE)
        .build();
  }

  private int positions() {
    return side() * side();
  }

  /** [count, rows, columns] -> [count, columns, rows]. */
  private static float[] transposed(float[] values, int count, int rows, int columns) {
    float[] result = new float[count * rows * columns];
    for (int n = 0; n < count; n++) {
      int at = n * rows * columns;
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          result[at + c * rows + r] = values[at + r * columns + c];
        }
      }
    }
    return result;
  }

  private static float[] first(INDArray array, int n) {
    return Arrays.copyOf(array.reshape(array.length()).toFloatVector(), n);
  }

  @Override
  public void close() {
    for (CompiledGraph plan : Arrays.asList(both, encoder, decoder, vectorDecoder)) {
      if (plan != null) {
        plan.close();
      }
    }
  }
}

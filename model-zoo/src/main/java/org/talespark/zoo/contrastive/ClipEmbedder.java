package org.talespark.zoo.contrastive;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Weights;

/**
 * A trained {@link ClipModel} in use: pictures and texts to rows of length 1, batch by batch. Each
 * tower is built when it is first asked for. Not thread-safe.
 *
 * <p>B pictures or texts of a pass, S side of a picture, N tokens of a text, P width of a row.
 */
public final class ClipEmbedder implements AutoCloseable {
  private final ClipModel.Config config;
  private final Pretrained checkpoint;
  private final int batch;
  private final ClipProcessor processor;
  private final ClipTexts tokenizer;
  private CompiledGraph pictures;
  private CompiledGraph texts;

  /**
   * Loads a checkpoint.
   *
   * @param opened of a CLIP, or of a fusion model, whose towers are one
   * @param batch B; a row's last bits may depend on it, and on its place in the batch
   * @throws IllegalArgumentException when configuration, weights, tokenizer and processor do not
   *     fit together
   */
  public ClipEmbedder(Pretrained opened, int batch) {
    Pretrained checkpoint = ClipFile.clip(opened);
    this.config = ClipFile.read(checkpoint.config());
    Map<String, INDArray> parameters = ClipShapes.parameters(config, checkpoint.tensors());
    this.checkpoint = new Pretrained(checkpoint.config(), singles(parameters), checkpoint.files());
    this.batch = batch;
    this.processor = processor(config, checkpoint.files());
    this.tokenizer = tokenizer(config, checkpoint.files());
  }

  private static Map<String, INDArray> singles(Map<String, INDArray> parameters) {
    parameters.replaceAll((name, array) -> array.castTo(DataType.FLOAT));
    return parameters;
  }

  /**
   * Checks what can be checked without the weights.
   *
   * @param config {@code config.json}
   * @param files tokenizer and processor by name
   * @return P
   * @throws IllegalArgumentException as the constructor
   */
  public static int check(JsonNode config, Map<String, byte[]> files) {
    ClipModel.Config model = ClipFile.read(config);
    processor(model, files);
    tokenizer(model, files).close();
    return model.projectionDim();
  }

  private static ClipProcessor processor(ClipModel.Config config, Map<String, byte[]> files) {
    if (config.visionConfig().numChannels() != 3) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint as CLIP: vision_config.num_channels=%d, expected 3"
              .formatted(config.visionConfig().numChannels()));
    }
    return ClipProcessor.of(file(files, ClipFile.PREPROCESSOR), config.visionConfig().imageSize());
  }

  private static ClipTexts tokenizer(ClipModel.Config config, Map<String, byte[]> files) {
    return new ClipTexts(
        config,
        new Tokenizer(file(files, Tokenizer.FILE)),
        config.textConfig().maxPositionEmbeddings());
  }

  private static byte[] file(Map<String, byte[]> files, String name) {
    byte[] file = files.get(name);
    if (file == null) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint as CLIP: file %s is missing, expected it beside config.json; it holds %s"
              .formatted(name, files.keySet().stream().sorted().toList()));
    }
    return file;
  }

  /** P. */
  public int width() {
    return config.projectionDim();
  }

  /** How pictures become what {@link #pictures} takes. */
  public ClipProcessor processor() {
    return processor;
  }

  /**
   * Pictures to rows [P], as many as there are.
   *
   * @param planes of each [3, S, S], as the {@link #processor} makes them
   */
  public List<float[]> pictures(List<float[]> planes) {
    if (planes.isEmpty()) {
      return List.of();
    }
    if (pictures == null) {
      Ops ops = new Ops(DataType.FLOAT);
      Layers layers = Layers.bound(ops);
      ClipModel.pictures(config, layers, batch);
      pictures =
          bind(layers, ops)
              .input(ClipModel.PIXEL_VALUES, ClipModel.pixelShape(config, batch))
              .outputs(ClipModel.IMAGE_EMBEDS)
              .build();
    }
    List<float[]> rows = new ArrayList<>();
    int each = config.pixels();
    for (int from = 0; from < planes.size(); from += batch) {
      List<float[]> part = planes.subList(from, Math.min(planes.size(), from + batch));
      float[] pixels = new float[batch * each];
      for (int i = 0; i < part.size(); i++) {
        System.arraycopy(part.get(i), 0, pixels, i * each, each);
      }
      pictures.fill(ClipModel.PIXEL_VALUES, pixels);
      pictures.run();
      add(rows, pictures.output(ClipModel.IMAGE_EMBEDS), part.size());
    }
    return rows;
  }

  /** Texts to rows [P], as many as there are; what is longer than N tokens is cut. */
  public List<float[]> texts(List<String> strings) {
    if (strings.isEmpty()) {
      return List.of();
    }
    int length = config.textConfig().maxPositionEmbeddings();
    if (texts == null) {
      Ops ops = new Ops(DataType.FLOAT);
      Layers layers = Layers.bound(ops);
      ClipModel.texts(config, layers, batch, length);
      texts =
          bind(layers, ops)
              .input(ClipModel.INPUT_IDS, (long) batch * length)
              .input(ClipModel.ENDS, batch)
              .outputs(ClipModel.TEXT_EMBEDS)
              .build();
    }
    List<float[]> rows = new ArrayList<>();
    for (int from = 0; from < strings.size(); from += batch) {
      List<String> part = strings.subList(from, Math.min(strings.size(), from + batch));
      ClipTexts.Rows tokens = tokenizer.encode(part, batch);
      texts.fill(ClipModel.INPUT_IDS, tokens.ids());
      texts.fill(ClipModel.ENDS, tokens.ends());
      texts.run();
      add(rows, texts.output(ClipModel.TEXT_EMBEDS), part.size());
    }
    return rows;
  }

  private CompiledGraph.Builder bind(Layers layers, Ops ops) {
    return Weights.of(checkpoint).bind(CompiledGraph.of(ops.graph()), layers.names());
  }

  private static void add(List<float[]> rows, INDArray embeds, int count) {
    rows.addAll(Arrays.asList(embeds.toFloatMatrix()).subList(0, count));
  }

  @Override
  public void close() {
    tokenizer.close();
    for (CompiledGraph tower : Arrays.asList(pictures, texts)) {
      if (tower != null) {
        tower.close();
      }
    }
  }
}

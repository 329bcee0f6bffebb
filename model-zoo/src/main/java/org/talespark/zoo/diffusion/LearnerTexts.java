package org.talespark.zoo.diffusion;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.contrastive.ClipFile;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Weights;

/**
 * The texts of a diffusion model in training, read by an encoder that learns or by a frozen one.
 *
 * <p>For the first {@code pooling_after} steps the whole text counts nothing: its vector is zero.
 */
final class LearnerTexts implements AutoCloseable {
  /** 0 while the whole text counts nothing, then 1. */
  private static final String WHOLE_COUNTS = "whole_text_counts";

  private final TextInputs inputs;
  private final int poolingAfter;
  private final TextEncoder.Config encoder;
  private final Tokenizer tokenizer;
  private final Pretrained tower; // null where the encoder learns
  private final TextReader towerReader; // null where the encoder learns
  private final LearnerContext context;

  private LearnerTexts(
      TextContext text,
      TextEncoder.Config encoder,
      Tokenizer tokenizer,
      Pretrained tower,
      LearnerContext context) {
    this.inputs = TextInputs.of(text, encoder, context.batch());
    this.poolingAfter = text.poolingAfter();
    this.encoder = encoder;
    this.tokenizer = tokenizer;
    this.tower = tower;
    this.context = context;
    TextReader.checkFit(encoder, tokenizer);
    this.towerReader = tower == null ? null : reader(Weights.of(tower));
  }

  static LearnerTexts of(DiffusionLearnerConfig config, LearnerContext context) {
    if (config.text() instanceof TextContext.Encoder text) {
      Tokenizer tokenizer = new Tokenizer(context.files().apply(text.tokenizer()));
      return new LearnerTexts(text, text.model(), tokenizer, null, context);
    }
    TextContext.Tower text = (TextContext.Tower) config.text();
    Pretrained checkpoint = ClipFile.clip(context.pretrained().apply(text.checkpoint()));
    TextEncoder.Config encoder = TextTower.config(checkpoint);
    if (config.model().contextDimension() != encoder.hiddenSize()) {
      throw new IllegalArgumentException(
          "Cannot configure training: model.context_dimension=%d, expected hidden_size=%d of the text tower %s"
              .formatted(
                  config.model().contextDimension(), encoder.hiddenSize(), text.checkpoint()));
    }
    Tokenizer tokenizer = new Tokenizer(checkpoint.file(Tokenizer.FILE));
    return new LearnerTexts(text, encoder, tokenizer, TextTower.alone(checkpoint), context);
  }

  TextInputs inputs() {
    return inputs;
  }

  /** The texts in the graph that is trained. */
  DenoiserConfig.Context context(Layers layers) {
    DenoiserConfig.Context texts =
        tower == null ? inputs.encoder(layers, encoder) : inputs.encoded(layers);
    if (poolingAfter == 0) {
      return texts;
    }
    SDVariable whole = texts.pooled().mul(layers.ops().input(WHOLE_COUNTS, 1, 1));
    return new DenoiserConfig.Context(texts.rows(), texts.mask(), whole, texts.tokens());
  }

  /** Their inputs. */
  void inputs(CompiledGraph.Builder builder) {
    if (tower == null) {
      inputs.encoderInputs(builder);
    } else {
      inputs.encodedInputs(builder);
    }
    if (poolingAfter > 0) {
      builder.input(WHOLE_COUNTS, 1, 1);
    }
  }

  /** Fills a step's captions in; those that are dropped become the empty text. */
  void fill(CompiledGraph plan, long step, List<String> captions, boolean[] dropped) {
    if (poolingAfter > 0) {
      plan.fill(WHOLE_COUNTS, new float[] {step < poolingAfter ? 0 : 1});
    }
    List<String> texts = new ArrayList<>();
    for (int b = 0; b < dropped.length; b++) {
      texts.add(dropped[b] ? "" : captions.get(b));
    }
    if (tower == null) {
      inputs.fillEncoder(plan, tokenizer.encode(texts, inputs.tokens()));
    } else {
      inputs.fillEncoded(plan, towerReader.read(texts));
    }
  }

  /** A reader of its own: of the weights in use where the encoder learns, else of the tower's. */
  TextReader reader(Weights inUse) {
    return new TextReader(
        inputs, encoder, tokenizer, tower == null ? inUse : Weights.of(tower), context.type());
  }

  /** What a checkpoint needs besides the trained weights. */
  Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(Tokenizer.FILE, tokenizer.file());
    if (tower != null) {
      files.putAll(tower.asFiles(DiffusionFile.TEXT_ENCODER));
    }
    return files;
  }

  @Override
  public void close() {
    if (towerReader != null) {
      towerReader.close();
    }
    tokenizer.close();
  }
}

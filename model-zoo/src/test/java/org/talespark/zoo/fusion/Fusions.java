package org.talespark.zoo.fusion;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.PairLoss;
import org.talespark.zoo.contrastive.VisionEncoder;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.text.TokenizerFiles;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Reducer;

/**
 * A tiny task: pictures of one coloured quarter, and captions of two to seven tokens that name
 * colour and place.
 */
final class Fusions {
  static final int SIZE = 8;
  static final int LENGTH = 8;
  static final int VOCABULARY = 17;
  static final Objectives.Contrastive SOFTMAX =
      new Objectives.Contrastive(1, new PairLoss.Softmax());
  static final Objectives.Contrastive SIGMOID =
      new Objectives.Contrastive(0.5, new PairLoss.Sigmoid(-3));
  static final Objectives.MaskedLanguage MLM = new Objectives.MaskedLanguage(0.7, 0.3, null);
  static final Objectives.Matching HARD = new Objectives.Matching(1.3, Objectives.Negatives.HARD);
  static final Objectives.Matching RANDOM = new Objectives.Matching(1, Objectives.Negatives.RANDOM);

  private static final List<String> COLOURS = List.of("red", "green", "blue", "grey");
  private static final List<String> PLACES = List.of("top left", "top right", "low left", "low");

  private Fusions() {}

  static byte[] tokenizer() {
    return TokenizerFiles.wordsWithMask(
        "red", "green", "blue", "grey", "top", "low", "left", "right", "a", "the");
  }

  static FusionModel.Config model(FusionEncoder.Direction direction) {
    return new FusionModel.Config(
        new ClipModel.Config(
            new TextEncoder.Config(VOCABULARY, 16, 32, 1, 2, LENGTH, 1e-5, null, 1),
            new VisionEncoder.Config(12, 24, 1, 2, 3, SIZE, 4, 1e-5, null),
            8,
            Math.log(1 / 0.07)),
        new FusionEncoder.Config(1, 2, 24, direction, 1e-5, null),
        10);
  }

  static FusionLearnerConfig config(FusionEncoder.Direction direction, Objectives objectives) {
    return config(direction, objectives, new OptimizerConfig.AdamW(0.9, 0.98, 1e-8, 0.05), 1);
  }

  static FusionLearnerConfig config(
      FusionEncoder.Direction direction,
      Objectives objectives,
      OptimizerConfig optimizer,
      double clipNorm) {
    return new FusionLearnerConfig(
        model(direction),
        objectives,
        "tokenizer",
        LENGTH,
        optimizer,
        new Schedule.Constant(),
        clipNorm,
        0.9);
  }

  static LearnerContext context(int batch, DataType type, Reducer reducer, double rate) {
    return context(batch, type, reducer, rate, tokenizer());
  }

  static LearnerContext context(
      int batch, DataType type, Reducer reducer, double rate, byte[] tokenizer) {
    return new LearnerContext(
        batch,
        SIZE,
        3,
        rate,
        type,
        reducer,
        uri -> {
          throw new IllegalStateException(uri);
        },
        uri -> {
          if (!uri.equals("tokenizer")) {
            throw new IllegalStateException(uri);
          }
          return tokenizer;
        });
  }

  private static String caption(int kind) {
    String begin = List.of("", "a ", "the a ", "the ").get(kind / 4); // says nothing of the colour
    return begin + COLOURS.get(kind % 4) + " " + PLACES.get(kind / 4);
  }

  /**
   * Pairs {@code from} to {@code from + count} of a step; of 20 that follow each other four come
   * twice.
   */
  static Batch batch(long step, int from, int count) {
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    float[] pictures = new float[count * 3 * SIZE * SIZE];
    for (int i = 0; i < count; i++) {
      int kind = (int) ((from + i + 5 * step) % 16);
      Random random = new Random(1000 * step + from + i);
      keys.add("pair-%d-%d".formatted(step, from + i));
      captions.add(caption(kind));
      for (int c = 0; c < 3; c++) {
        for (int y = 0; y < SIZE; y++) {
          for (int x = 0; x < SIZE; x++) {
            int place = kind / 4;
            boolean inside = (y < 4) == (place < 2) && (x < 4) == (place % 2 == 0);
            float value = inside && (c == kind % 4 || kind % 4 == 3) ? 0.8f : -0.8f;
            pictures[((i * 3 + c) * SIZE + y) * SIZE + x] =
                value + 0.1f * (float) random.nextGaussian();
          }
        }
      }
    }
    return new Batch(keys, pictures, captions);
  }
}

package org.talespark.zoo.contrastive;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Reducer;

/** A tiny task: pictures of one coloured quarter, and captions that name colour and place. */
final class Pairs {
  static final int SIZE = 8;
  static final int END = 1;
  static final List<String> COLOURS = List.of("red", "green", "blue", "grey");
  static final List<String> PLACES = List.of("top left", "top right", "low left", "low right");

  private Pairs() {}

  /** A tokenizer of words: padding 0, then the end and the begin, and the task's words. */
  static byte[] tokenizer(int end) {
    int begin = 3 - end;
    return """
        {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
         "added_tokens": [
           {"id": %1$d, "content": "<eos>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
         "pre_tokenizer": {"type": "WhitespaceSplit"},
         "post_processor": {"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
           "special_tokens": {"<bos>": {"id": "<bos>", "ids": [%2$d], "tokens": ["<bos>"]}, "<eos>": {"id": "<eos>", "ids": [%1$d], "tokens": ["<eos>"]}}},
         "model": {"type": "WordLevel", "unk_token": "<unk>",
           "vocab": {"<pad>": 0, "<eos>": %1$d, "<bos>": %2$d, "<unk>": 3, "red": 4, "green": 5, "blue": 6, "grey": 7, "top": 8, "low": 9, "left": 10, "right": 11}}}
        """
        .formatted(end, begin)
        .getBytes(UTF_8);
  }

  static ClipModel.Config model(int end) {
    return new ClipModel.Config(
        new TextEncoder.Config(13, 16, 32, 1, 2, 6, 1e-5, null, end),
        new VisionEncoder.Config(16, 32, 1, 2, 3, SIZE, 4, 1e-5, null),
        8,
        Math.log(1 / 0.07));
  }

  static ContrastiveLearnerConfig config(PairLoss loss) {
    return config(loss, END);
  }

  static ContrastiveLearnerConfig config(PairLoss loss, int end) {
    return new ContrastiveLearnerConfig(
        model(end),
        loss,
        "tokenizer",
        6,
        new OptimizerConfig.AdamW(0.9, 0.98, 1e-8, 0.05),
        new Schedule.Constant(),
        1,
        0.9);
  }

  static LearnerContext context(int batch, DataType type, Reducer reducer) {
    return context(batch, type, reducer, tokenizer(END));
  }

  static LearnerContext context(int batch, DataType type, Reducer reducer, byte[] tokenizer) {
    return new LearnerContext(
        batch,
        SIZE,
        3,
        4e-3,
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

  /**
   * Pairs {@code from} to {@code from + count} of a step: any 16 that follow each other, beginning
   * at a multiple of 16, are all combinations.
   */
  static Batch batch(long step, int from, int count) {
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    float[] pictures = new float[count * 3 * SIZE * SIZE];
    for (int i = 0; i < count; i++) {
      int kind = (int) ((from + i + 5 * step) % 16);
      int colour = kind % 4;
      int place = kind / 4;
      Random random = new Random(1000 * step + from + i);
      keys.add("pair-%d-%d".formatted(step, from + i));
      captions.add(COLOURS.get(colour) + " " + PLACES.get(place));
      for (int c = 0; c < 3; c++) {
        for (int y = 0; y < SIZE; y++) {
          for (int x = 0; x < SIZE; x++) {
            boolean inside = (y < 4) == (place < 2) && (x < 4) == (place % 2 == 0);
            float value = inside && (c == colour || colour == 3) ? 0.8f : -0.8f;
            pictures[((i * 3 + c) * SIZE + y) * SIZE + x] =
                value + 0.1f * (float) random.nextGaussian();
          }
        }
      }
    }
    return new Batch(keys, pictures, captions);
  }
}

package org.talespark.zoo.attributes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Reducer;

/** Pictures of a box and a cross, each in one of two colours, by day or at night. */
final class Toys {
  static final int SIDE = 16;
  static final CaptionGrammar GRAMMAR =
      new CaptionGrammar(
          Map.of(
              "box", List.of("box", "boxes"),
              "cross", List.of("cross", "crosses"),
              "ring", List.of("ring")),
          List.of("red", "blue"),
          Map.of("day", List.of("by day"), "night", List.of("at night")));
  static final AttributeNetwork.Config MODEL =
      new AttributeNetwork.Config(List.of(8, 16), List.of(1, 1), 12, 4);

  private Toys() {}

  static AttributeLearnerConfig config() {
    return new AttributeLearnerConfig(
        GRAMMAR,
        MODEL,
        new OptimizerConfig.AdamW(0.9, 0.99, 1e-8, 0.01),
        new Schedule.Constant(),
        5,
        0.9);
  }

  static LearnerContext context(int batch, DataType type, Reducer reducer) {
    return new LearnerContext(
        batch,
        SIDE,
        3,
        1e-2,
        type,
        reducer,
        uri -> {
          throw new IllegalStateException(uri);
        },
        uri -> {
          throw new IllegalStateException(uri);
        });
  }

  /** Toys {@code from} to {@code from + count} of a step. Every fifth caption names nothing. */
  static Batch batch(long step, int from, int count) {
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    float[] pictures = new float[count * 3 * SIDE * SIDE];
    for (int i = 0; i < count; i++) {
      Random random = new Random(1000 * step + from + i);
      String caption = paint(random, pictures, i);
      keys.add("toy-%d-%d".formatted(step, from + i));
      captions.add((from + i) % 5 == 1 ? "a picture" : caption);
    }
    return new Batch(keys, pictures, captions);
  }

  private static String paint(Random random, float[] pictures, int at) {
    boolean night = random.nextBoolean();
    for (int i = 0; i < 3 * SIDE * SIDE; i++) {
      pictures[at * 3 * SIDE * SIDE + i] = (night ? -0.6f : 0.6f) + 0.1f * random.nextFloat();
    }
    int first = random.nextInt(3);
    int count = 1 + random.nextInt(2);
    List<String> things = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int kind = (first + i) % 3;
      boolean red = random.nextBoolean();
      shape(pictures, at, kind, red, 8 * i + random.nextInt(3), random.nextInt(11));
      things.add("a %s %s".formatted(red ? "red" : "blue", GRAMMAR.kinds().get(kind)));
    }
    return String.join(" and ", things) + (night ? " at night" : " by day");
  }

  private static void shape(float[] pictures, int at, int kind, boolean red, int left, int top) {
    for (int y = 0; y < 5; y++) {
      for (int x = 0; x < 5; x++) {
        boolean edge = x == 0 || y == 0 || x == 4 || y == 4;
        boolean inside = kind == 0 || (kind == 1 ? x == 2 || y == 2 : edge);
        if (inside) {
          for (int c = 0; c < 3; c++) {
            float value = c == (red ? 0 : 2) ? 1 : -1;
            pictures[((at * 3 + c) * SIDE + top + y) * SIDE + left + x] = value;
          }
        }
      }
    }
  }
}

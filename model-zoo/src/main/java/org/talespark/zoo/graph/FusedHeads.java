package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The heads of attention out of rows, and rows out of heads, in one pass; on the way out of rows
 * each head may be turned by its {@linkplain Rotary rotary position}. Each direction is the other's
 * gradient, with the turn undone.
 *
 * <p>B batch, T tokens, h heads, d elements of a head: rows [B*T, h*d] -> heads [B, h, T, d].
 */
final class FusedHeads extends FusedOp {
  private static final int CHUNK = 32; // tokens taken together

  private enum Direction {
    SPLIT,
    JOIN
  }

  private final Direction direction;
  private final int batch;
  private final int tokens;
  private final int heads;
  private final Rotary rotary;

  private FusedHeads(
      Direction direction, SDVariable x, int batch, int tokens, int heads, Rotary rotary) {
    super(
        direction == Direction.SPLIT ? "talespark_split_heads" : "talespark_join_heads",
        List.of(x),
        1);
    this.direction = direction;
    this.batch = batch;
    this.tokens = tokens;
    this.heads = heads;
    this.rotary = rotary;
  }

  /** [B*T, h*d] -> [B, h, T, d]; turned unless {@code rotary} is null. */
  static SDVariable split(SDVariable rows, int batch, int tokens, int heads, Rotary rotary) {
    return new FusedHeads(Direction.SPLIT, rows, batch, tokens, heads, rotary).output();
  }

  /** [B, h, T, d] -> [B*T, h*d]; turned back unless {@code rotary} is null. */
  static SDVariable join(SDVariable x, int batch, int tokens, int heads, Rotary rotary) {
    return new FusedHeads(Direction.JOIN, x, batch, tokens, heads, rotary).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    long n = (long) batch * tokens;
    boolean fits =
        direction == Direction.SPLIT
            ? x.length == 2 && x[0] == n && x[1] % heads == 0
            : x.length == 4 && x[0] == batch && x[1] == heads && x[2] == tokens;
    long dimension = x[x.length - 1] / (direction == Direction.SPLIT ? heads : 1);
    if (!fits || (rotary != null && rotary.dimension() != dimension)) {
      throw new IllegalArgumentException(
          "Cannot rearrange heads: shape=%s batch=%d tokens=%d heads=%d %s, expected [B*T, h*d] or [B, h, T, d] and d of the positions"
              .formatted(Arrays.toString(x), batch, tokens, heads, rotary));
    }
    return List.of(
        direction == Direction.SPLIT
            ? new long[] {batch, heads, tokens, dimension}
            : new long[] {n, heads * dimension});
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable g = outputGradients.get(0);
    return List.of(
        direction == Direction.SPLIT
            ? join(g, batch, tokens, heads, rotary)
            : split(g, batch, tokens, heads, rotary));
  }

  @Override
  Kernel kernel(OpCall call) {
    Turn turn = rotary == null ? null : new Turn(rotary, direction == Direction.JOIN);
    int chunks = (tokens + CHUNK - 1) / CHUNK;
    return Parts.ofRows(
        batch * chunks,
        2,
        (part, from, to) -> {
          Chunk chunk = new Chunk(call.input(0), call.output(0), turn);
          return () -> {
            for (int c = from; c < to; c++) {
              int first = c % chunks * CHUNK;
              int count = Math.min(CHUNK, tokens - first);
              if (direction == Direction.SPLIT) {
                chunk.split(c / chunks, first, count);
              } else {
                chunk.join(c / chunks, first, count);
              }
            }
          };
        });
  }

  /** Some tokens of one sample, as rows, and one of their heads. */
  private final class Chunk {
    private final FloatBuffer in;
    private final FloatBuffer out;
    private final Turn turn;
    private final int width;
    private final int d;
    private final float[] rows;
    private final float[] block;

    Chunk(FloatBuffer in, FloatBuffer out, Turn turn) {
      this.in = in;
      this.out = out;
      this.turn = turn;
      this.width = in.capacity() / (batch * tokens);
      this.d = width / heads;
      this.rows = new float[CHUNK * width];
      this.block = new float[CHUNK * d];
    }

    /** {@code count} tokens of sample {@code b} from {@code first}. */
    void split(int b, int first, int count) {
      in.get((b * tokens + first) * width, rows, 0, count * width);
      for (int head = 0; head < heads; head++) {
        for (int t = 0; t < count; t++) {
          move(first + t, rows, t * width + head * d, block, t * d);
        }
        out.put(((b * heads + head) * tokens + first) * d, block, 0, count * d);
      }
    }

    void join(int b, int first, int count) {
      for (int head = 0; head < heads; head++) {
        in.get(((b * heads + head) * tokens + first) * d, block, 0, count * d);
        for (int t = 0; t < count; t++) {
          move(first + t, block, t * d, rows, t * width + head * d);
        }
      }
      out.put((b * tokens + first) * width, rows, 0, count * width);
    }

    private void move(int position, float[] from, int at, float[] to, int target) {
      if (turn == null) {
        System.arraycopy(from, at, to, target, d);
      } else {
        turn.apply(position, from, at, to, target);
      }
    }
  }

  /** Turns heads by the angles of their positions, or back. */
  private static final class Turn {
    private final float[] cosines;
    private final float[] sines;
    private final int half;

    Turn(Rotary rotary, boolean back) {
      half = rotary.dimension() / 2;
      double[] cos = rotary.cosines();
      double[] sin = rotary.sines();
      cosines = new float[cos.length];
      sines = new float[sin.length];
      for (int i = 0; i < cos.length; i++) {
        cosines[i] = (float) cos[i];
        sines[i] = (float) (back ? -sin[i] : sin[i]);
      }
    }

    void apply(int position, float[] from, int at, float[] to, int target) {
      int angle = position * half;
      for (int i = 0; i < half; i++) {
        float a = from[at + i];
        float b = from[at + half + i];
        to[target + i] = a * cosines[angle + i] - b * sines[angle + i];
        to[target + half + i] = b * cosines[angle + i] + a * sines[angle + i];
      }
    }
  }
}

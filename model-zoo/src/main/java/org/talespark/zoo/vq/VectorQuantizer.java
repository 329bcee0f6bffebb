package org.talespark.zoo.vq;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.ops.SDMath;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * Vector quantisation (van den Oord 2017, arXiv:1711.00937): each vector is replaced by the nearest
 * of K codes.
 *
 * <p>Squared distance |z|^2 + |e|^2 - 2 z e; |z|^2 is the same for all codes and left out. The
 * gradient passes straight through to z. Loss, Eq. 3: |sg(z) - e|^2 moves the codes (unless they
 * follow an exponential moving average, appendix A.1), beta |z - sg(e)|^2 commits the encoder. With
 * cosine similarity (Yu 2022, arXiv:2110.04627) z and the codes are l2-normalised first.
 *
 * <p>Codes that learn tend to lie in fewer dimensions than they have: codes go where vectors are,
 * and a vector that leaves their plane is brought back to it. On a fixed grid (finite scalar
 * quantisation, Mentzer 2023, arXiv:2309.15505) every dimension is used, since each rounds for
 * itself. Deviation: vectors are not bounded by a tanh; the outermost codes take what lies beyond
 * them, and commitment draws it back.
 *
 * <p>Shapes: z [N, D], codes [K, D].
 */
public final class VectorQuantizer {
  /** Codes of a grid whose numbers float32 still holds exactly. */
  private static final int MOST_OF_A_GRID = 1 << 24;

  /** How codes learn. */
  public enum Learning {
    /** By the exponential moving average of the vectors assigned to them. */
    EMA,
    /** By the gradient of the codebook loss. */
    GRADIENT,
    /** Not at all: they are the L^D points of a grid, evenly spaced from -1 to 1. */
    GRID
  }

  /** How near is measured. */
  public enum Similarity {
    EUCLIDEAN,
    COSINE
  }

  /**
   * The codebook's size and how it learns.
   *
   * @param codes K
   * @param dimension D
   * @param commitment beta
   * @param decay of the moving averages
   * @param deadBelow a code whose average count falls below this is revived; 0 revives none
   */
  public record Config(
      int codes,
      int dimension,
      Learning learning,
      Similarity similarity,
      double commitment,
      double decay,
      double deadBelow) {
    public Config {
      check(codes >= 2, "codes", codes, "at least 2");
      check(dimension >= 1, "dimension", dimension, "at least 1");
      check(commitment > 0, "commitment", commitment, "positive");
      check(decay > 0 && decay < 1, "decay", decay, "between 0 and 1");
      check(deadBelow >= 0, "dead_below", deadBelow, "at least 0");
      if (learning == Learning.GRID) {
        int levels = levels(codes, dimension);
        check(codes <= MOST_OF_A_GRID, "codes", codes, "at most " + MOST_OF_A_GRID);
        check(
            levels >= 2 && Math.round(StrictMath.pow(levels, dimension)) == codes,
            "codes",
            codes,
            "levels to the power of dimension=%d, such as %d"
                .formatted(dimension, Math.round(StrictMath.pow(Math.max(2, levels), dimension))));
        check(similarity == Similarity.EUCLIDEAN, "similarity", similarity, "euclidean on a grid");
      }
    }

    /** Points of a grid along one dimension. */
    private int levels() {
      return levels(codes, dimension);
    }

    private static int levels(int codes, int dimension) {
      return (int) Math.round(StrictMath.pow(codes, 1.0 / dimension));
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure quantizer: %s=%s, expected %s".formatted(key, value, rule));
      }
    }
  }

  /**
   * The quantizer in a graph.
   *
   * @param vectors what was quantised, z [N, D]
   * @param quantized codes with the gradient of z [N, D]
   * @param indices nearest codes, int32 [N]
   * @param loss scalar
   */
  public record Outputs(
      SDVariable vectors, SDVariable quantized, SDVariable indices, SDVariable loss) {}

  private VectorQuantizer() {}

  /** The codebook: trainable only when it learns by gradient. */
  static SDVariable codebook(Layers layers, Config config, String name) {
    double bound = 1.0 / config.codes();
    if (config.learning() == Learning.GRADIENT) {
      return layers.uniform(name, bound, config.codes(), config.dimension());
    }
    return layers
        .ops()
        .frozen(name, Nd4j.zeros(layers.ops().type(), config.codes(), config.dimension()));
  }

  /** The codes before the first step, [K, D]; zeros where they are placed by training. */
  static INDArray initialCodes(Config config, DataType type) {
    if (config.learning() != Learning.GRID) {
      return Nd4j.zeros(type, config.codes(), config.dimension());
    }
    int levels = config.levels();
    double[][] codes = new double[config.codes()][config.dimension()];
    for (int code = 0; code < codes.length; code++) {
      int rest = code;
      for (int i = config.dimension() - 1; i >= 0; i--) {
        codes[code][i] = 2.0 * (rest % levels) / (levels - 1) - 1;
        rest /= levels;
      }
    }
    return Nd4j.createFromArray(codes).castTo(type);
  }

  /** The vectors of int32 indices [N] as the decoder sees them: [N, D]. */
  static SDVariable lookUp(Ops ops, Config config, SDVariable codebook, SDVariable indices) {
    SDVariable codes =
        config.similarity() == Similarity.COSINE ? normalize(ops, codebook) : codebook;
    return ops.embedding(codes, indices, config.codes());
  }

  /** Quantises z [N, D]. */
  static Outputs quantize(Ops ops, Config config, SDVariable z, SDVariable codebook) {
    SDVariable vectors = z;
    SDVariable codes = codebook;
    if (config.similarity() == Similarity.COSINE) {
      vectors = normalize(ops, z);
      codes = normalize(ops, codebook);
    }
    SDVariable frozenVectors = ops.stopGradient(vectors);
    SDVariable frozenCodes = ops.stopGradient(codes);
    SDVariable indices =
        config.learning() == Learning.GRID
            ? nearestOnGrid(ops, config, frozenVectors)
            : nearest(ops, frozenVectors, frozenCodes);
    SDVariable chosen = ops.embedding(codes, indices, config.codes()); // [N, D]
    SDVariable loss = ops.meanSquare(vectors, ops.stopGradient(chosen)).mul(config.commitment());
    if (config.learning() == Learning.GRADIENT) {
      loss = loss.add(ops.meanSquare(chosen, frozenVectors));
    }
    SDVariable straightThrough = vectors.add(ops.stopGradient(chosen.sub(vectors)));
    return new Outputs(vectors, straightThrough, indices, loss);
  }

  /** Index of the nearest code of each row: z [N, D], codes [K, D] -> int32 [N]. */
  static SDVariable nearest(Ops ops, SDVariable z, SDVariable codes) {
    SDVariable norms = ops.graph().math().square(codes).sum(false, 1); // [K]
    SDVariable products = ops.matmul(z, codes, false, true); // [N, K]
    return ops.argMinOfRows(norms.sub(products.mul(2.0)));
  }

  /**
   * The same where the codes are a grid: each dimension's level is rounded to for itself, without a
   * look at K codes. z [N, D] -> int32 [N].
   */
  static SDVariable nearestOnGrid(Ops ops, Config config, SDVariable z) {
    int last = config.levels() - 1;
    SDMath math = ops.graph().math();
    SDVariable levels = math.round(math.clipByValue(z.add(1.0).mul(last / 2.0), 0, last)); // [N, D]
    double[][] places = new double[config.dimension()][1]; // the first dimension's counts most
    double place = 1;
    for (int i = config.dimension() - 1; i >= 0; i--) {
      places[i][0] = place;
      place *= config.levels();
    }
    SDVariable weights = ops.graph().constant(Nd4j.createFromArray(places).castTo(ops.type()));
    SDVariable codes = ops.reshape(ops.matmul(levels, weights, false, false), -1); // [N]
    // what is no number becomes a negative one, which nothing may look up
    SDVariable first = ops.graph().constant(Nd4j.createFromArray(0));
    return math.max(ops.graph().castTo(codes, DataType.INT32), first);
  }

  private static SDVariable normalize(Ops ops, SDVariable rows) {
    SDVariable squares = ops.graph().math().square(rows).sum(true, 1);
    return rows.div(ops.graph().math().sqrt(squares.add(1e-12)));
  }
}

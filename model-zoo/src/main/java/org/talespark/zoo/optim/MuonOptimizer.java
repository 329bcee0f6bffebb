package org.talespark.zoo.optim;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.zoo.graph.ParameterLayout;

/**
 * Muon (Jordan 2024; arXiv:2502.16982): matrices move along the orthogonal matrix nearest to their
 * momentum, so that all directions of a matrix are learnt at one pace; other parameters move as
 * {@link AdamRule} says.
 *
 * <pre>
 *   m = m + (g - m) (1 - momentum)
 *   d = orthogonal(g + (m - g) momentum)
 *   p = p (1 - lr decay) - lr rms sqrt(max(rows, columns)) d
 * </pre>
 *
 * <p>A kernel of a convolution is the matrix of its outputs by all else. The root of the longer
 * side makes the root mean square of an update {@code lr rms}, about that of Adam's, so that both
 * take one learning rate.
 *
 * <p>Momentum changes slowly, so a direction may serve for several steps; it is then part of the
 * state.
 *
 * <p>Peers share the work: each makes the directions of some matrices, and a sum brings them
 * together, which also gives all the same bits, whatever their processors.
 */
final class MuonOptimizer extends FlatOptimizer {
  private static final int MOMENTUM = 0; // among the states, where others have their means
  private static final String DIRECTION = "direction"; // of the state, where it outlives a step

  private final OptimizerConfig.Muon config;
  private final AdamRule others;
  private final Peers peers;
  private final FlatArray directions;
  private final List<Share> shares;
  private final INDArray spread; // from the first matrix to the last; null without matrices
  private final NewtonSchulz newtonSchulz;
  private final float[][] floats; // gradient and momentum of a block, of one of the two types
  private final double[][] doubles;
  private double learningRate;
  private double keep;
  private boolean due;

  /** A matrix, and which peer makes its direction. */
  private record Share(ParameterLayout.Slot slot, int rank) {
    int rows() {
      return Math.toIntExact(slot.shape().get(0));
    }

    int columns() {
      return Math.toIntExact(slot.length() / rows());
    }

    int shorter() {
      return Math.min(rows(), columns());
    }

    double work() {
      return (double) slot.length() * shorter();
    }
  }

  MuonOptimizer(ParameterLayout layout, DataType type, OptimizerConfig.Muon config, Peers peers) {
    this(layout, type, config, peers, Nd4j.create(type, layout.length()));
  }

  private MuonOptimizer(
      ParameterLayout layout,
      DataType type,
      OptimizerConfig.Muon config,
      Peers peers,
      INDArray directions) {
    super(
        layout,
        type,
        AdamOptimizer.STATE,
        config::groupOf,
        List.of(FlatArray.of("directions", directions)),
        config.every() == 1 ? Map.of() : Map.of(DIRECTION, directions));
    this.config = config;
    this.others = new AdamRule(config.beta1(), config.beta2(), config.eps(), config.weightDecay());
    this.peers = peers;
    this.directions = FlatArray.of("directions", directions);
    this.shares = shared(layout, config, peers.workers());
    boolean none = shares.isEmpty();
    this.spread =
        none
            ? null
            : directions.get(
                NDArrayIndex.interval(
                    shares.get(0).slot.offset(), shares.get(shares.size() - 1).slot.end()));
    this.newtonSchulz =
        none
            ? null
            : new NewtonSchulz(
                type,
                shares.stream().mapToLong(share -> share.slot.length()).max().getAsLong(),
                shares.stream().mapToInt(Share::shorter).max().getAsInt());
    boolean single = type == DataType.FLOAT;
    this.floats = single ? new float[2][FlatArray.BLOCK] : new float[0][];
    this.doubles = single ? new double[0][] : new double[2][FlatArray.BLOCK];
  }

  /** The matrices in flat order; the next largest goes to the peer with least to do. */
  private static List<Share> shared(
      ParameterLayout layout, OptimizerConfig.Muon config, int workers) {
    List<Share> largest =
        layout.slots().stream()
            .filter(slot -> config.groupOf(slot) == Group.ORTHOGONAL)
            .map(slot -> new Share(slot, 0))
            .sorted(Comparator.comparingDouble(Share::work).reversed())
            .toList();
    double[] work = new double[workers];
    List<Share> shares = new ArrayList<>();
    for (Share share : largest) {
      int rank = 0;
      for (int other = 1; other < workers; other++) {
        rank = work[other] < work[rank] ? other : rank;
      }
      work[rank] += share.work();
      shares.add(new Share(share.slot, rank));
    }
    shares.sort(Comparator.comparingLong(share -> share.slot.offset()));
    return shares;
  }

  @Override
  void prepare(long step, double newLearningRate) {
    learningRate = newLearningRate;
    others.prepare(step, newLearningRate);
    keep = 1 - newLearningRate * config.weightDecay();
    due = (step - 1) % config.every() == 0;
  }

  @Override
  void direct(FlatArray ofGradients) {
    if (shares.isEmpty() || !due) {
      return;
    }
    boolean shared = peers.workers() > 1;
    if (shared) {
      spread.assign(0); // what peers make
    }
    for (Share share : shares) {
      if (share.rank != peers.rank()) {
        continue;
      }
      if (directions.type() == DataType.FLOAT) {
        floatDirection(share, ofGradients);
      } else {
        doubleDirection(share, ofGradients);
      }
    }
    if (shared) {
      peers.sum(spread);
    }
  }

  private void floatDirection(Share share, FlatArray ofGradients) {
    float[] g = floats[0];
    float[] m = floats[1];
    float rate = (float) (1 - config.momentum());
    float ahead = (float) config.momentum();
    FlatArray matrix = newtonSchulz.values();
    for (long at = 0; at < share.slot.length(); at += FlatArray.BLOCK) {
      int n = (int) Math.min(FlatArray.BLOCK, share.slot.length() - at);
      ofGradients.read(share.slot.offset() + at, g, n);
      stateArray(MOMENTUM).read(share.slot.offset() + at, m, n);
      for (int i = 0; i < n; i++) {
        g[i] += (m[i] + (g[i] - m[i]) * rate - g[i]) * ahead;
      }
      matrix.write(at, g, n);
    }
    newtonSchulz.orthogonalize(share.rows(), share.columns());
    float scale = (float) scale(share);
    for (long at = 0; at < share.slot.length(); at += FlatArray.BLOCK) {
      int n = (int) Math.min(FlatArray.BLOCK, share.slot.length() - at);
      matrix.read(at, g, n);
      for (int i = 0; i < n; i++) {
        g[i] *= scale;
      }
      directions.write(share.slot.offset() + at, g, n);
    }
  }

  private void doubleDirection(Share share, FlatArray ofGradients) {
    double[] g = doubles[0];
    double[] m = doubles[1];
    FlatArray matrix = newtonSchulz.values();
    for (long at = 0; at < share.slot.length(); at += FlatArray.BLOCK) {
      int n = (int) Math.min(FlatArray.BLOCK, share.slot.length() - at);
      ofGradients.read(share.slot.offset() + at, g, n);
      stateArray(MOMENTUM).read(share.slot.offset() + at, m, n);
      for (int i = 0; i < n; i++) {
        g[i] += (m[i] + (g[i] - m[i]) * (1 - config.momentum()) - g[i]) * config.momentum();
      }
      matrix.write(at, g, n);
    }
    newtonSchulz.orthogonalize(share.rows(), share.columns());
    double scale = scale(share);
    for (long at = 0; at < share.slot.length(); at += FlatArray.BLOCK) {
      int n = (int) Math.min(FlatArray.BLOCK, share.slot.length() - at);
      matrix.read(at, g, n);
      for (int i = 0; i < n; i++) {
        g[i] *= scale;
      }
      directions.write(share.slot.offset() + at, g, n);
    }
  }

  private double scale(Share share) {
    return config.rms() * Math.sqrt(Math.max(share.rows(), share.columns()));
  }

  @Override
  void apply(float[][] blocks, int from, int to, Group group) {
    if (group == Group.ORTHOGONAL) {
      move(
          blocks[0],
          blocks[1],
          blocks[2],
          blocks[4],
          from,
          to,
          (float) (1 - config.momentum()),
          (float) learningRate,
          (float) keep);
      return;
    }
    others.apply(blocks, from, to, group);
  }

  private static void move(
      float[] p,
      float[] g,
      float[] m,
      float[] d,
      int from,
      int to,
      float rate,
      float learningRate,
      float keep) {
    for (int i = from; i < to; i++) {
      m[i] += (g[i] - m[i]) * rate;
      p[i] = p[i] * keep - learningRate * d[i];
    }
  }

  @Override
  void apply(double[][] blocks, int from, int to, Group group) {
    if (group == Group.ORTHOGONAL) {
      double[] p = blocks[0];
      double[] g = blocks[1];
      double[] m = blocks[2];
      double[] d = blocks[4];
      for (int i = from; i < to; i++) {
        m[i] += (g[i] - m[i]) * (1 - config.momentum());
        p[i] = p[i] * keep - learningRate * d[i];
      }
      return;
    }
    others.apply(blocks, from, to, group);
  }
}

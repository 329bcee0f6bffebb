package org.talespark.jobs.bench;

import java.util.List;

/**
 * What an exchange costs, in seconds: a latency for each message on the way to the result, a time
 * for each byte moved, and one for each byte summed (Thakur, Rabenseifner and Gropp 2005, who call
 * them alpha, beta and gamma). Gamma is also what the exchange spends on a byte besides moving it.
 *
 * @param latency seconds a message
 * @param move seconds a byte that a worker sends while it receives another
 * @param sum seconds a byte that is added
 */
record CostModel(double latency, double move, double sum) {

  /** How bytes were exchanged. */
  enum Method {
    RING,
    TREE,
    /** Both workers send to each other, and nothing is summed. */
    SWAP
  }

  /**
   * A measurement.
   *
   * @param bytes size of the array
   */
  record Point(Method method, int workers, long bytes, double seconds) {}

  private static final int UNKNOWNS = 3;

  /** Round the ring: {@code 2 (n - 1)} steps, each with a share of {@code 1 / n}. */
  double ring(int workers, double bytes) {
    return total(terms(Method.RING, workers, bytes));
  }

  /** By recursive doubling: few steps, each with the whole array. */
  double tree(int workers, double bytes) {
    return total(terms(Method.TREE, workers, bytes));
  }

  double seconds(Point point) {
    return total(terms(point.method(), point.workers(), (double) point.bytes()));
  }

  private double total(double[] terms) {
    return terms[0] * latency + terms[1] * move + terms[2] * sum;
  }

  /** Messages on the way, bytes moved, bytes summed. */
  private static double[] terms(Method method, int workers, double bytes) {
    return switch (method) {
      case RING -> {
        double share = bytes / workers;
        yield new double[] {2.0 * (workers - 1), 2 * (workers - 1) * share, (workers - 1) * share};
      }
      case TREE -> {
        int doublings = 31 - Integer.numberOfLeadingZeros(workers);
        boolean power = Integer.bitCount(workers) == 1;
        double sends = doublings + (power ? 0 : 2);
        yield new double[] {sends, sends * bytes, (doublings + (power ? 0 : 1)) * bytes};
      }
      case SWAP -> new double[] {0, bytes, 0};
    };
  }

  /**
   * The model whose relative errors are the smallest in the sense of least squares, among those
   * without negative costs.
   *
   * @param points at least three, of which some are swaps and some are not
   */
  static CostModel fit(List<Point> points) {
    if (points.size() < UNKNOWNS) {
      throw new IllegalArgumentException(
          "Cannot fit: points=%d, expected at least %d".formatted(points.size(), UNKNOWNS));
    }
    boolean[] used = {true, true, true};
    while (true) {
      double[] costs = solve(points, used);
      int worst = 0;
      for (int i = 1; i < UNKNOWNS; i++) {
        worst = costs[i] < costs[worst] ? i : worst;
      }
      if (costs[worst] >= 0) {
        return new CostModel(costs[0], costs[1], costs[2]);
      }
      used[worst] = false;
    }
  }

  /** Largest relative error over the points. */
  double largestError(List<Point> points) {
    return points.stream()
        .mapToDouble(p -> Math.abs(seconds(p) - p.seconds()) / p.seconds())
        .max()
        .orElse(0);
  }

  /** The normal equations, with unused unknowns held at 0. */
  private static double[] solve(List<Point> points, boolean[] used) {
    double[][] a = new double[UNKNOWNS][UNKNOWNS + 1];
    for (Point point : points) {
      double[] terms = terms(point.method(), point.workers(), (double) point.bytes());
      for (int i = 0; i < UNKNOWNS; i++) {
        for (int j = 0; j < UNKNOWNS; j++) {
          a[i][j] += terms[i] * terms[j] / (point.seconds() * point.seconds());
        }
        a[i][UNKNOWNS] += terms[i] / point.seconds();
      }
    }
    for (int i = 0; i < UNKNOWNS; i++) {
      if (!used[i]) {
        for (int j = 0; j <= UNKNOWNS; j++) {
          a[i][j] = i == j ? 1 : 0;
        }
        for (int k = 0; k < UNKNOWNS; k++) {
          a[k][i] = i == k ? 1 : 0;
        }
      }
    }
    return eliminate(a);
  }

  /** Gauss, with the largest pivot of a column after every row is scaled to its largest entry. */
  private static double[] eliminate(double[][] a) {
    double[] units = new double[UNKNOWNS];
    for (int i = 0; i < UNKNOWNS; i++) { // unknowns differ by many powers of ten
      units[i] = 1 / Math.sqrt(a[i][i]);
    }
    for (int i = 0; i < UNKNOWNS; i++) {
      for (int j = 0; j < UNKNOWNS; j++) {
        a[i][j] *= units[i] * units[j];
      }
      a[i][UNKNOWNS] *= units[i];
    }
    for (int column = 0; column < UNKNOWNS; column++) {
      int pivot = column;
      for (int i = column + 1; i < UNKNOWNS; i++) {
        pivot = Math.abs(a[i][column]) > Math.abs(a[pivot][column]) ? i : pivot;
      }
      double[] row = a[pivot];
      a[pivot] = a[column];
      a[column] = row;
      if (!(Math.abs(row[column]) > 1e-12)) {
        throw new IllegalArgumentException(
            "Cannot fit: the points do not tell the costs apart; try more sizes, with swaps and sums");
      }
      for (int i = 0; i < UNKNOWNS; i++) {
        double factor = i == column ? 0 : a[i][column] / row[column];
        for (int j = column; j <= UNKNOWNS; j++) {
          a[i][j] -= factor * row[j];
        }
      }
    }
    double[] solution = new double[UNKNOWNS];
    for (int i = 0; i < UNKNOWNS; i++) {
      solution[i] = a[i][UNKNOWNS] / a[i][i] * units[i];
    }
    return solution;
  }
}

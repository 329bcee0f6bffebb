package org.talespark.jobs.bench;

import java.util.List;
import java.util.Locale;

/**
 * What the fitted cost model says about networks and numbers of workers that nobody has here. The
 * tables of docs/scaling.md come from this class, and a test compares them.
 *
 * <p>On a network a byte takes as long as the line or the processors need for it, whichever is
 * slower, and a message also as long as the switches need. Summation is taken not to overlap with
 * moving, which is pessimistic.
 */
final class Scaling {
  /** The fit of the measurement that docs/benchmarks.md quotes. */
  static final CostModel MEASURED = new CostModel(70.0e-6, 0.356e-9, 0.293e-9);

  /** Seconds a message takes through the switches of a data centre, beside the loopback's. */
  private static final double SWITCHES = 20e-6;

  private static final List<Integer> WORKERS = List.of(2, 8, 32, 128, 512, 1000);
  private static final List<Integer> GIGABITS = List.of(10, 25, 100);
  private static final List<Long> MILLIONS = List.of(1L, 10L, 100L, 1000L);
  private static final List<Long> SMALL_KILOBYTES = List.of(4L, 64L, 1000L, 4000L);

  private Scaling() {}

  /** The costs on a network of so many gigabits a second. */
  static CostModel on(CostModel loopback, double gigabits) {
    double line = 8 / (gigabits * 1e9);
    return new CostModel(
        loopback.latency() + SWITCHES, Math.max(loopback.move(), line), loopback.sum());
  }

  /** Milliseconds of a ring all-reduce, by parameters, wire, network and workers, as Markdown. */
  static String rings(CostModel loopback) {
    StringBuilder table = new StringBuilder("| parameters | network |");
    WORKERS.forEach(n -> table.append(" %d workers |".formatted(n)));
    table.append("\n|---|---|").append("---|".repeat(WORKERS.size())).append('\n');
    for (long millions : MILLIONS) {
      for (int gigabits : GIGABITS) {
        CostModel model = on(loopback, gigabits);
        table.append("| %d million | %d Gbit/s |".formatted(millions, gigabits));
        for (int workers : WORKERS) {
          table.append(" %s |".formatted(ms(model.ring(workers, millions * 4e6))));
        }
        table.append('\n');
      }
    }
    return table.toString();
  }

  /** Milliseconds round the ring and by the tree, at 25 Gbit/s, as Markdown. */
  static String smallArrays(CostModel loopback) {
    CostModel model = on(loopback, 25);
    StringBuilder table = new StringBuilder("| size |");
    WORKERS.forEach(n -> table.append(" %d workers |".formatted(n)));
    table.append("\n|---|").append("---|".repeat(WORKERS.size())).append('\n');
    for (long kilobytes : SMALL_KILOBYTES) {
      table.append("| %,d kB |".formatted(kilobytes));
      for (int workers : WORKERS) {
        double bytes = kilobytes * 1e3;
        table.append(
            " %s / %s |".formatted(ms(model.ring(workers, bytes)), ms(model.tree(workers, bytes))));
      }
      table.append('\n');
    }
    return table.toString();
  }

  /** Two significant digits below 100. */
  private static String ms(double seconds) {
    double ms = seconds * 1e3;
    int decimals = ms < 1 ? 2 : ms < 10 ? 1 : 0;
    return String.format(Locale.ROOT, "%,." + decimals + "f", ms);
  }
}

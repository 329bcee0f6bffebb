package org.talespark.jobs;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * Says how far long work has come, at most once in two seconds and once at its end: count, share,
 * rate, what the caller adds (such as the loss), and the time left.
 */
public final class Progress {

  private static final long PERIOD_NANOS = 2_000_000_000L;
  private static final double NANOS = 1e9;

  private final PrintStream out;
  private final String what;
  private final String unit;
  private final long total;
  private final LongSupplier clock;
  private final long started;
  private final long first;
  private long printed;

  private Progress(
      PrintStream out, String what, String unit, long first, long total, LongSupplier clock) {
    this.out = Objects.requireNonNull(out, "out");
    this.what = what;
    this.unit = unit;
    this.first = first;
    this.total = total;
    this.clock = clock;
    this.started = clock.getAsLong();
    this.printed = started - PERIOD_NANOS;
  }

  /**
   * Starts counting.
   *
   * @param what the work, such as {@code train}
   * @param unit what is counted, such as {@code steps}
   * @param first how many were done before, as when a run is resumed
   * @param total how many there will be, 0 when nobody knows
   */
  public static Progress of(PrintStream out, String what, String unit, long first, long total) {
    return new Progress(out, what, unit, first, total, System::nanoTime);
  }

  static Progress withClock(PrintStream out, String what, String unit, long total, LongSupplier c) {
    return new Progress(out, what, unit, 0, total, c);
  }

  /**
   * Tells that {@code done} are done; prints when it is time to.
   *
   * @param note what to add, such as {@code loss=0.031}; may be empty
   */
  public synchronized void at(long done, String note) {
    long now = clock.getAsLong();
    boolean last = total > 0 && done >= total;
    if (now - printed < PERIOD_NANOS && !last) {
      return;
    }
    printed = now;
    double seconds = (now - started) / NANOS;
    double rate = seconds > 0 ? (done - first) / seconds : 0;
    StringBuilder line = new StringBuilder(what).append(' ').append(done);
    if (total > 0) {
      line.append('/').append(total);
      line.append(String.format(Locale.ROOT, " %d%%", 100 * done / total));
    }
    line.append(String.format(Locale.ROOT, " %.1f %s/s", rate, unit));
    line.append(note.isEmpty() ? "" : " " + note);
    if (total > done && rate > 0) {
      line.append(" left ").append(words(Duration.ofSeconds((long) ((total - done) / rate))));
    } else if (last) {
      line.append(" in ").append(words(Duration.ofSeconds((long) seconds)));
    }
    out.println(line);
  }

  private static String words(Duration duration) {
    long hours = duration.toHours();
    return hours > 0
        ? "%dh%02dm".formatted(hours, duration.toMinutesPart())
        : "%dm%02ds".formatted(duration.toMinutes(), duration.toSecondsPart());
  }
}

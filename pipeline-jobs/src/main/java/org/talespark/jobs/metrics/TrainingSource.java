package org.talespark.jobs.metrics;

import static java.util.Objects.requireNonNull;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.apache.spark.SparkEnv;
import org.apache.spark.metrics.source.Source;

/**
 * A run's gauges as a source of Spark's metrics system, so that every sink that Spark is configured
 * with (JMX, Prometheus, Graphite, CSV) shows them: {@code talespark.worker-RANK} on an executor
 * and {@code talespark.run} on the driver, after the application's and the executor's id. Without
 * Spark it registers nowhere. One thread updates it; sinks read whenever they want to.
 */
public final class TrainingSource implements Source, AutoCloseable {
  private static final long PERIOD_NANOS = 2_000_000_000L;

  private final String name;
  private final MetricRegistry registry = new MetricRegistry();
  private final Map<TrainingGauge, Double> values = new ConcurrentHashMap<>();
  private final LongSupplier clock;
  private boolean begun;
  private long periodStart;
  private StepTotals periodTotals;

  TrainingSource(String name, LongSupplier clock) {
    this.name = requireNonNull(name, "name");
    this.clock = clock;
    for (TrainingGauge gauge : TrainingGauge.values()) {
      Gauge<Double> read = () -> value(gauge);
      registry.register(gauge.id(), read);
    }
  }

  /** Registers a worker's gauges on its executor. */
  public static TrainingSource worker(int rank) {
    return registered("talespark.worker-%04d".formatted(rank));
  }

  /** Registers a run's gauges on the driver. */
  public static TrainingSource driver() {
    return registered("talespark.run");
  }

  private static TrainingSource registered(String name) {
    TrainingSource source = new TrainingSource(name, System::nanoTime);
    if (SparkEnv.get() != null) {
      SparkEnv.get().metricsSystem().removeSource(source); // of a run that ended badly
      SparkEnv.get().metricsSystem().registerSource(source);
    }
    return source;
  }

  @Override
  public String sourceName() {
    return name;
  }

  @Override
  public MetricRegistry metricRegistry() {
    return registry;
  }

  /** A gauge's present value. */
  public double value(TrainingGauge gauge) {
    return values.getOrDefault(gauge, 0.0);
  }

  /** Sets one gauge. */
  public void set(TrainingGauge gauge, double value) {
    values.put(gauge, value);
  }

  /** After each step; rates and shares are of the latest two seconds or more. */
  public void update(StepTotals totals) {
    set(TrainingGauge.STEP, (double) totals.step());
    set(TrainingGauge.SAMPLES, (double) totals.samples());
    set(TrainingGauge.LOSS, totals.loss());
    set(TrainingGauge.QUEUE_DEPTH, totals.queueDepth());
    long now = clock.getAsLong();
    if (!begun) {
      begun = true;
    } else if (now - periodStart >= PERIOD_NANOS) {
      double seconds = (now - periodStart) / 1e9;
      set(TrainingGauge.SAMPLES_PER_SECOND, (totals.samples() - periodTotals.samples()) / seconds);
      set(
          TrainingGauge.EXCHANGE_SHARE,
          (totals.exchangeSeconds() - periodTotals.exchangeSeconds()) / seconds);
      set(
          TrainingGauge.DATA_WAIT_SHARE,
          (totals.dataWaitSeconds() - periodTotals.dataWaitSeconds()) / seconds);
    } else {
      return;
    }
    periodStart = now;
    periodTotals = totals;
  }

  /** Takes the gauges out of Spark's metrics system. */
  @Override
  public void close() {
    if (SparkEnv.get() != null) {
      SparkEnv.get().metricsSystem().removeSource(this);
    }
  }
}

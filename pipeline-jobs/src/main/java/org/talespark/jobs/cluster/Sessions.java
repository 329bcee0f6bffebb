package org.talespark.jobs.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.Utils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens Spark sessions. What the user set (spark-submit, {@code spark-defaults.conf}, {@link
 * ClusterConfig#settings}) stays; this class adds what distributed training needs.
 *
 * <p>An embedded cluster ({@code local-cluster[N,CORES,MB]}) needs the environment variable {@code
 * SPARK_HOME} to name a writable directory, in which executors keep their logs under {@code work/};
 * it need not hold a Spark distribution, since executors use this JVM's class path. It listens on
 * 127.0.0.1 only.
 */
public final class Sessions {
  private static final Logger LOG = LoggerFactory.getLogger(Sessions.class);

  private static final String LOOPBACK = "127.0.0.1";
  private static final String SCALA_VERSION = "2.12";
  private static final String EXECUTOR_OPTIONS = "spark.executor.extraJavaOptions";
  private static final String DEFAULT_EXECUTOR_OPTIONS = "spark.executor.defaultJavaOptions";
  private static final Pattern COLLECTOR =
      Pattern.compile("-XX:\\+Use(Serial|Parallel|G1|Z|Shenandoah|Epsilon)GC\\b");
  private static final String DYNAMIC_ALLOCATION = "spark.dynamicAllocation.enabled";
  private static final String EXECUTOR_LOGGING =
      "org/talespark/jobs/cluster/log4j2-executor.properties";

  /** What the JVM itself takes beside heap and arrays. */
  private static final int JVM_MB = 1024;

  private static final int MIN_EXECUTORS = 2;
  private static final int MAX_EXECUTORS = 8;
  private static final int CORES_AN_EXECUTOR = 2;
  private static final int MIN_EXECUTOR_MB = 1024;
  private static final double MEMORY_SHARE = 0.6;
  private static final int SECRET_BYTES = 32;
  private static final long MIB = 1 << 20;

  private Sessions() {}

  /**
   * Opens a session.
   *
   * @param master {@code local[N]}, {@code local-cluster[N,CORES,MB]}, a cluster's URL, or empty
   *     for what spark-submit set
   * @throws IllegalArgumentException for a master or settings that cannot work
   */
  public static SparkSession open(Optional<String> master, String appName, ClusterConfig config) {
    Master target = Master.parse(master);
    SparkConf conf =
        configure(
            new SparkConf(true), target, config, Optional.ofNullable(System.getenv("SPARK_HOME")));
    conf.setAppName(appName);
    if (target instanceof Master.LocalCluster) {
      Utils.setCustomHostname(
          LOOPBACK); // or master and workers would listen on the machine's address
    }
    return SparkSession.builder().config(conf).getOrCreate();
  }

  /** As {@link #open(Optional, String, ClusterConfig)} with a master. */
  public static SparkSession open(String master, String appName, ClusterConfig config) {
    return open(Optional.of(master), appName, config);
  }

  /**
   * An embedded cluster that fits a machine: an executor for every two cores, but at least 2 and at
   * most 8, with together 60 % of the memory.
   */
  public static String defaultMaster(int cores, long memoryBytes) {
    int executors = Math.min(MAX_EXECUTORS, Math.max(MIN_EXECUTORS, cores / CORES_AN_EXECUTOR));
    long mb = (long) (memoryBytes / (double) MIB * MEMORY_SHARE / executors);
    int bounded = (int) Math.min(Integer.MAX_VALUE, Math.max(MIN_EXECUTOR_MB, mb));
    return new Master.LocalCluster(executors, 1, bounded).toString();
  }

  /** Division of an embedded executor's memory, or 4 GiB where the master does not say. */
  public static ClusterConfig defaultConfig(String master) {
    return Master.parse(Optional.of(master)) instanceof Master.LocalCluster cluster
        ? ClusterConfig.ofMemory(cluster.memoryMb())
        : ClusterConfig.ofMemory(4096);
  }

  static SparkConf configure(
      SparkConf conf, Master master, ClusterConfig config, Optional<String> sparkHome) {
    config.settings().forEach(conf::set);
    conf.setIfMissing("spark.barrier.sync.timeout", String.valueOf(config.barrierTimeoutSeconds()));
    if (conf.getBoolean(DYNAMIC_ALLOCATION, false)) {
      LOG.warn(
          "Switching {} off: tasks that train together need all their executors at once",
          DYNAMIC_ALLOCATION);
    }
    conf.set(DYNAMIC_ALLOCATION, "false");
    // tasks carry records, which Kryo cannot make
    conf.set("spark.serializer", "org.apache.spark.serializer.JavaSerializer");
    conf.setIfMissing("spark.executor.memory", config.executorHeapMb() + "m");
    conf.setIfMissing("spark.executor.memoryOverhead", (config.executorOffHeapMb() + JVM_MB) + "m");
    int physical = config.executorHeapMb() + config.executorOffHeapMb() + JVM_MB;
    appendOption(conf, "-Dorg.bytedeco.javacpp.maxbytes=", config.executorOffHeapMb() + "m");
    appendOption(conf, "-Dorg.bytedeco.javacpp.maxphysicalbytes=", physical + "m");
    collectForThroughput(conf);
    conf.setIfMissing(
        "spark.executorEnv.OMP_WAIT_POLICY",
        "PASSIVE"); // thread pools must not spin against each other
    if (master instanceof Master.LocalCluster cluster) {
      embedded(conf, cluster, config, sparkHome);
    } else if (master instanceof Master.Local local) {
      conf.setMaster(local.url()).setIfMissing("spark.ui.enabled", "false");
    } else if (master instanceof Master.Remote remote) {
      conf.setMaster(remote.url());
    } else {
      requireMaster(conf);
    }
    return conf;
  }

  private static void embedded(
      SparkConf conf,
      Master.LocalCluster cluster,
      ClusterConfig config,
      Optional<String> sparkHome) {
    if (cluster.memoryMb() < config.executorHeapMb()) {
      throw new IllegalArgumentException(
          "Cannot start executors: master=%s, executor_heap_mb=%d, expected at most %d"
              .formatted(cluster, config.executorHeapMb(), cluster.memoryMb()));
    }
    prepareHome(sparkHome);
    conf.setMaster(cluster.toString());
    conf.setIfMissing("spark.ui.enabled", "false");
    conf.setIfMissing("spark.driver.host", LOOPBACK);
    conf.setIfMissing("spark.driver.bindAddress", LOOPBACK);
    conf.setIfMissing("spark.executorEnv.SPARK_LOCAL_IP", LOOPBACK);
    conf.setIfMissing("spark.executorEnv.SPARK_SCALA_VERSION", SCALA_VERSION);
    conf.setIfMissing("spark.executor.extraClassPath", System.getProperty("java.class.path"));
    if (conf.getBoolean("spark.authenticate", false)) {
      conf.setIfMissing("spark.authenticate.secret", secret()); // a cluster manager would make one
    }
    // executors of our own are there in seconds: look more often than every 15 s whether a barrier
    // stage has its slots
    conf.setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s");
    conf.setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "120");
    conf.setIfMissing("spark.executor.cores", String.valueOf(cluster.cores()));
    int threads = Math.max(1, Runtime.getRuntime().availableProcessors() / cluster.executors());
    conf.setIfMissing("spark.executorEnv.OMP_NUM_THREADS", String.valueOf(threads));
    appendOption(conf, "-Dlog4j2.configurationFile=", EXECUTOR_LOGGING);
  }

  private static String secret() {
    byte[] bytes = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** Spark's launcher wants a directory {@code jars} below it, empty or not. */
  private static void prepareHome(Optional<String> sparkHome) {
    String home =
        sparkHome.orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Cannot start executors on this machine: SPARK_HOME is not set, expected a writable directory; try ./talespark, which sets it"));
    try {
      Files.createDirectories(Path.of(home, "jars"));
      Files.createDirectories(Path.of(home, "work"));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "Cannot start executors on this machine: SPARK_HOME=%s, expected a writable directory"
              .formatted(home),
          e);
    }
  }

  private static void requireMaster(SparkConf conf) {
    if (!conf.contains("spark.master")) {
      throw new IllegalArgumentException(
          "Cannot start Spark: no master, expected --master or spark-submit; try --master "
              + defaultMaster(
                  Runtime.getRuntime().availableProcessors(),
                  MIN_EXECUTOR_MB * MIB * MAX_EXECUTORS));
    }
  }

  /** As the launcher does for the driver, unless another collector is asked for. */
  private static void collectForThroughput(SparkConf conf) {
    String present = conf.get(EXECUTOR_OPTIONS, "");
    if (!COLLECTOR.matcher(present).find()
        && !COLLECTOR.matcher(conf.get(DEFAULT_EXECUTOR_OPTIONS, "")).find()) {
      conf.set(EXECUTOR_OPTIONS, (present + " -XX:+UseParallelGC").strip());
    }
  }

  /** Adds a JVM option after those that are there, unless the same one is. */
  private static void appendOption(SparkConf conf, String name, String value) {
    String present = conf.get(EXECUTOR_OPTIONS, "");
    if (!present.contains(name)) {
      conf.set(EXECUTOR_OPTIONS, (present + " " + name + value).strip());
    }
  }
}

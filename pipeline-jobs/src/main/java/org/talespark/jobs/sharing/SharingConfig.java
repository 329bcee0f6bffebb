package org.talespark.jobs.sharing;

import org.talespark.jobs.config.Section;

/**
 * Settings of training by shared sparse updates, the section {@code gradient_sharing}; what is
 * absent gets its default. The rules for the threshold are those of DL4J's {@code
 * AdaptiveThresholdAlgorithm} and {@code ResidualClippingPostProcessor} (1.0.0-M2.1); the method is
 * N. Strom, "Scalable distributed DNN training using commodity GPU cloud computing", Interspeech
 * 2015.
 *
 * @param threshold what an element must reach to be sent at first, in units of the update
 * @param minSparsity share of the elements below which the threshold falls
 * @param maxSparsity share of the elements above which the threshold rises
 * @param decay factor by which the threshold falls, 0.5 to 1; it rises by the inverse; 1 keeps it
 * @param residualClip multiple of the threshold to which residuals are cut, or 0 to keep them whole
 * @param clipEvery updates from one cut to the next
 * @param port UDP port of the root in the driver; worker r listens on this one plus r + 1
 * @param host address of the root, or null for the driver's own
 * @param networkMask network in which every node listens, as in 10.0.0.0/8, or null for the
 *     executors' own addresses
 * @param timeoutSeconds how long a wait lasts, and how long a worker may give no sign of life, in
 *     seconds
 * @param maxUpdatesBehind steps that another worker may be behind before this one waits for it; 0
 *     for all steps together, which keeps replicas bit-identical
 */
public record SharingConfig(
    Double threshold,
    Double minSparsity,
    Double maxSparsity,
    Double decay,
    Double residualClip,
    Integer clipEvery,
    Integer port,
    String host,
    String networkMask,
    Integer timeoutSeconds,
    Integer maxUpdatesBehind) {
  private static final Section SECTION = new Section("share gradients", "gradient_sharing");
  private static final int FIRST_FREE_PORT = 1024;
  private static final int LAST_PORT = 65_535;

  /** Fills in the defaults and checks every setting. */
  public SharingConfig {
    threshold = threshold == null ? 1e-3 : threshold;
    minSparsity = minSparsity == null ? 1e-4 : minSparsity;
    maxSparsity = maxSparsity == null ? 1e-2 : maxSparsity;
    decay = decay == null ? Math.pow(0.5, 1 / 20.0) : decay;
    residualClip = residualClip == null ? 5 : residualClip;
    clipEvery = clipEvery == null ? 5 : clipEvery;
    port = port == null ? 20_123 : port;
    timeoutSeconds = timeoutSeconds == null ? 60 : timeoutSeconds;
    maxUpdatesBehind = maxUpdatesBehind == null ? 4 : maxUpdatesBehind;
    SECTION.check(
        threshold >= AdaptiveThreshold.LEAST && threshold <= AdaptiveThreshold.MOST,
        "threshold",
        threshold,
        "2^-60 to 2^60");
    SECTION.check(
        minSparsity > 0 && minSparsity <= 1, "min_sparsity", minSparsity, "more than 0, up to 1");
    SECTION.check(
        maxSparsity >= minSparsity && maxSparsity <= 1,
        "max_sparsity",
        maxSparsity,
        "min_sparsity=" + minSparsity + " to 1");
    SECTION.check(decay >= 0.5 && decay <= 1, "decay", decay, "0.5 to 1");
    SECTION.check(
        residualClip == 0 || (residualClip >= 1 && residualClip <= 1e6),
        "residual_clip",
        residualClip,
        "1 to 1e6, or 0 for never");
    SECTION.check(clipEvery >= 1, "clip_every", clipEvery, "at least 1");
    SECTION.check(
        port >= FIRST_FREE_PORT && port < LAST_PORT,
        "port",
        port,
        FIRST_FREE_PORT + " to " + (LAST_PORT - 1));
    SECTION.check(host == null || !host.isBlank(), "host", host, "an address, or nothing");
    if (networkMask != null) {
      PrivateAddress.checkMask(networkMask);
    }
    SECTION.check(timeoutSeconds >= 1, "timeout_seconds", timeoutSeconds, "at least 1");
    SECTION.check(
        maxUpdatesBehind >= 0 && maxUpdatesBehind <= 1000,
        "max_updates_behind",
        maxUpdatesBehind,
        "0 to 1000");
  }

  /**
   * Threshold 1e-3, kept where 0.01 % to 1 % of the elements are sent by factors that halve it in
   * 20 updates; residuals cut to 5 thresholds every 5 updates; ports from 20123; a minute; 4 steps.
   */
  public static SharingConfig defaults() {
    return new SharingConfig(null, null, null, null, null, null, null, null, null, null, null);
  }

  /** The same with another first port and another limit for waits. */
  public SharingConfig withPort(int newPort, int newTimeoutSeconds) {
    return new SharingConfig(
        threshold,
        minSparsity,
        maxSparsity,
        decay,
        residualClip,
        clipEvery,
        newPort,
        host,
        networkMask,
        newTimeoutSeconds,
        maxUpdatesBehind);
  }

  /** The same with another bound for steps behind. */
  public SharingConfig withMaxUpdatesBehind(int steps) {
    return new SharingConfig(
        threshold,
        minSparsity,
        maxSparsity,
        decay,
        residualClip,
        clipEvery,
        port,
        host,
        networkMask,
        timeoutSeconds,
        steps);
  }

  /** The same with another threshold that stays, and residuals that are never cut. */
  public SharingConfig withFixedThreshold(double newThreshold) {
    return new SharingConfig(
        newThreshold,
        minSparsity,
        maxSparsity,
        1.0,
        0.0,
        clipEvery,
        port,
        host,
        networkMask,
        timeoutSeconds,
        maxUpdatesBehind);
  }

  /**
   * The port of a worker.
   *
   * @throws IllegalArgumentException when there is none
   */
  int portOf(int rank) {
    int own = port + rank + 1;
    if (own > LAST_PORT) {
      throw new IllegalArgumentException(
          "Cannot share gradients: gradient_sharing.port=%d worker=%d, expected a port that leaves one for each worker; try a lower one"
              .formatted(port, rank));
    }
    return own;
  }
}

package org.talespark.zoo.graph;

import java.util.Optional;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;
import org.slf4j.LoggerFactory;

/**
 * The oneDNN library, of the version that is built into ND4J but cannot be called there. Called
 * directly, its primitives are made once, their scratch memory is the plan's, and what nobody reads
 * is not computed.
 */
final class OneDnn {
  private static final Optional<OneDnn> SHARED = load();

  private final engine cpu;

  private OneDnn(engine cpu) {
    this.cpu = cpu;
  }

  /**
   * The library; empty where ND4J itself runs without oneDNN, so that results stay those of ND4J,
   * and where there is no build for the platform.
   */
  static Optional<OneDnn> shared() {
    return SHARED;
  }

  private static Optional<OneDnn> load() {
    String build = Loader.loadProperties().getProperty("platform.extension", "");
    if (!build.contains("onednn")) {
      return Optional.empty();
    }
    try {
      Loader.load(dnnl.class);
      return Optional.of(new OneDnn(new engine(org.bytedeco.dnnl.engine.kind.cpu, 0)));
    } catch (LinkageError | RuntimeException e) {
      LoggerFactory.getLogger(OneDnn.class)
          .info("Convolutions run on ND4J's own kernels: oneDNN does not load ({})", e.toString());
      return Optional.empty();
    }
  }

  /** The one that computes on the processor. */
  engine cpu() {
    return cpu;
  }
}

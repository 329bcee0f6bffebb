package org.talespark.zoo.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Loader;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * Sets up the native runtime of this process, on a driver and on an executor alike. Call {@link
 * #initialize} before any other class touches ND4J: the build and the environment are read once,
 * while the libraries load.
 *
 * <ol>
 *   <li>reads the processor's flags and picks the fastest ND4J build on the class path that it
 *       runs;
 *   <li>sets the environment variables that OpenMP and OpenBLAS read, unless the user has set them;
 *   <li>loads ND4J and sets its thread counts;
 *   <li>holds JavaCPP's off-heap limits against the memory budget and the machine's memory;
 *   <li>sends arrays through a matrix product and a convolution and checks what comes back.
 * </ol>
 */
public final class NativeRuntime {

  /** The system property by which JavaCPP chooses among builds of one library. */
  public static final String EXTENSION_PROPERTY = "org.bytedeco.javacpp.platform.extension";

  private static final String BINDINGS = "org/nd4j/linalg/cpu/nativecpu/bindings/";
  private static final String CUDA_BACKEND = "org/nd4j/linalg/jcublas/JCublasBackend.class";
  private static final Pattern ND4J_LIBRARY = Pattern.compile(".*/([^/]+)/libnd4jcpu\\.[^/]+");

  private static Report report;

  private NativeRuntime() {}

  /**
   * What a caller wants of the runtime.
   *
   * @param threads threads of one operation, at least 1
   * @param memoryBudget bytes of native arrays that the caller will need, 0 when it does not know
   */
  public record Settings(int threads, long memoryBudget) {
    public Settings {
      if (threads < 1) {
        throw new IllegalArgumentException(
            "Cannot set up the native runtime: threads=%d, expected at least 1".formatted(threads));
      }
      if (memoryBudget < 0) {
        throw new IllegalArgumentException(
            "Cannot set up the native runtime: memory_budget=%d, expected at least 0"
                .formatted(memoryBudget));
      }
    }

    /** Settings without a memory budget. */
    public static Settings threads(int threads) {
      return new Settings(threads, 0);
    }
  }

  /**
   * What was found and set.
   *
   * @param build the extension of the build that runs, such as {@code -onednn-avx512}
   * @param why why this one
   * @param platform JavaCPP's name of the platform, such as {@code linux-x86_64}
   * @param processor the processor's name
   * @param threads threads of one operation
   * @param environment the variables that OpenMP and OpenBLAS see
   * @param openblasCore the kernels OpenBLAS uses
   * @param openblasConfig OpenBLAS's configuration line
   * @param nd4jVersion version of ND4J
   * @param backend ND4J's backend class
   * @param memory limits in bytes
   * @param memoryBudget bytes of native arrays asked for, 0 when unknown
   * @param cuda what the CUDA backend on the class path can run on, empty without one
   * @param warnings what works but is worth a look
   */
  public record Report(
      String build,
      String why,
      String platform,
      String processor,
      int threads,
      Map<String, String> environment,
      String openblasCore,
      String openblasConfig,
      String nd4jVersion,
      String backend,
      MemoryLimits memory,
      long memoryBudget,
      String cuda,
      List<String> warnings) {
    public Report {
      environment = Collections.unmodifiableMap(new LinkedHashMap<>(environment));
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * Sets up the runtime once; later calls with the same settings return the same report, calls with
   * other settings adjust the threads and check the new budget.
   *
   * @throws IllegalStateException naming the remedy, when the runtime cannot work
   */
  public static synchronized Report initialize(Settings settings) {
    if (report == null) {
      report = start(settings);
    } else if (report.threads() != settings.threads()
        || report.memoryBudget() != settings.memoryBudget()) {
      report = adjust(report, settings);
    }
    return report;
  }

  private static Report start(Settings settings) {
    Processor processor = Processor.detect();
    String platform = Loader.Detector.getPlatform();
    Choice choice = choose(processor, platform);
    Map<String, String> environment =
        ProcessEnvironment.open()
            .setAbsent(
                variables(
                    processor,
                    settings.threads(),
                    blasThreads(choice.extension(), settings.threads())));
    List<String> warnings = new ArrayList<>();
    load(choice.extension());
    String loaded = OpenBlas.loaded(ND4J_LIBRARY).map(NativeRuntime::directory).orElse("");
    if (!loaded.isEmpty() && !loaded.equals(platform + choice.extension())) {
      throw new IllegalStateException(
          "Cannot choose the ND4J build: loaded=%s, expected %s; try calling NativeRuntime.initialize before any use of ND4J"
              .formatted(loaded, platform + choice.extension()));
    }
    applyThreads(choice.extension(), settings.threads());
    MemoryLimits memory = MemoryLimits.current();
    warnings.addAll(memory.check(settings.memoryBudget()));
    RoundTrip.check();
    warnings.addAll(threadWarnings(settings.threads()));
    return new Report(
        choice.extension(),
        choice.why(),
        platform,
        processor.name(),
        settings.threads(),
        environment,
        OpenBlas.core(),
        OpenBlas.config(),
        version(),
        Nd4j.getBackend().getClass().getName(),
        memory,
        settings.memoryBudget(),
        cudaNote(),
        warnings);
  }

  private static Report adjust(Report before, Settings settings) {
    MemoryLimits memory = MemoryLimits.current();
    List<String> warnings = new ArrayList<>(memory.check(settings.memoryBudget()));
    applyThreads(before.build(), settings.threads());
    warnings.addAll(threadWarnings(settings.threads()));
    return new Report(
        before.build(),
        before.why(),
        before.platform(),
        before.processor(),
        settings.threads(),
        before.environment(),
        before.openblasCore(),
        before.openblasConfig(),
        before.nd4jVersion(),
        before.backend(),
        memory,
        settings.memoryBudget(),
        before.cuda(),
        warnings);
  }

  private record Choice(String extension, String why) {}

  private static Choice choose(Processor processor, String platform) {
    String byUser = System.getProperty(EXTENSION_PROPERTY);
    if (byUser != null) {
      return new Choice(byUser, "set by the user with -D" + EXTENSION_PROPERTY);
    }
    NativeBuild.Choice choice = NativeBuild.choose(processor.flags(), available(platform));
    System.setProperty(EXTENSION_PROPERTY, choice.build().extension());
    // another preset may have loaded before, and with it JavaCPP's copy of the properties
    Loader.loadProperties().setProperty("platform.extension", choice.build().extension());
    return new Choice(choice.build().extension(), choice.why());
  }

  /** The builds for this platform that are on the class path. */
  static Set<NativeBuild> available(String platform) {
    Set<NativeBuild> builds = EnumSet.noneOf(NativeBuild.class);
    for (NativeBuild build : NativeBuild.values()) {
      String library = System.mapLibraryName("jnind4jcpu");
      if (resource(BINDINGS + platform + build.extension() + "/" + library)) {
        builds.add(build);
      }
    }
    return builds;
  }

  /**
   * What the libraries should find in the environment. Passive waiting keeps ND4J's and OpenBLAS's
   * thread pools from spinning against each other on the same cores.
   */
  static Map<String, String> variables(Processor processor, int threads, int blasThreads) {
    Map<String, String> variables = new LinkedHashMap<>();
    variables.put("OMP_WAIT_POLICY", "PASSIVE");
    variables.put("GOMP_SPINCOUNT", "0");
    variables.put("OMP_NUM_THREADS", Integer.toString(threads));
    variables.put("OPENBLAS_NUM_THREADS", Integer.toString(blasThreads));
    OpenBlas.coreFor(processor).ifPresent(core -> variables.put("OPENBLAS_CORETYPE", core));
    return variables;
  }

  /**
   * Threads for OpenBLAS. Builds with oneDNN multiply matrices there, with OpenMP's threads, and
   * leave OpenBLAS the small ones of a batch, which gain nothing from a second thread: one that
   * waits for the next of them by spinning on a core that others need.
   */
  static int blasThreads(String build, int threads) {
    return build.contains("onednn") ? 1 : threads;
  }

  private static void load(String extension) {
    try {
      Nd4j.getBackend();
    } catch (LinkageError | RuntimeException e) {
      throw new IllegalStateException(
          "Cannot load ND4J: build='%s' cache=%s, expected its natives to load; try a writable directory with 1 GB free in -Dorg.bytedeco.javacpp.cachedir, or another build in -D%s"
              .formatted(
                  extension,
                  System.getProperty(
                      "org.bytedeco.javacpp.cachedir",
                      System.getProperty("user.home") + "/.javacpp/cache"),
                  EXTENSION_PROPERTY),
          e);
    }
  }

  /**
   * Sets the thread counts of the running libraries: ND4J's own loops and OpenBLAS for the whole
   * process, OpenMP (and so oneDNN) for the calling thread. Other threads keep OpenMP's count from
   * the environment, and ND4J's count at load is the most it ever uses.
   */
  private static void applyThreads(String build, int threads) {
    Nd4j.getEnvironment().setMaxMasterThreads(threads);
    NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
    OpenBlas.threads(blasThreads(build, threads));
  }

  private static List<String> threadWarnings(int threads) {
    List<String> warnings = new ArrayList<>();
    int processors = Runtime.getRuntime().availableProcessors();
    if (threads > processors) {
      warnings.add("%d threads share %d processors".formatted(threads, processors));
    }
    int most = Nd4j.getEnvironment().maxThreads();
    if (threads > most) {
      warnings.add(
          "ND4J was loaded with %d threads and cannot use %d; ask for the larger count first"
              .formatted(most, threads));
    }
    return warnings;
  }

  private static String version() {
    try (InputStream in =
        NativeRuntime.class
            .getClassLoader()
            .getResourceAsStream("META-INF/maven/org.nd4j/nd4j-api/pom.properties")) {
      Properties properties = new Properties();
      if (in != null) {
        properties.load(in);
      }
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }

  private static String directory(String library) {
    String parent = library.substring(0, library.lastIndexOf('/'));
    return parent.substring(parent.lastIndexOf('/') + 1);
  }

  private static String cudaNote() {
    return resource(CUDA_BACKEND)
        ? "nd4j-cuda-11.6 holds machine code for compute capability 3.7 to 8.6 and none to compile"
            + " from: V100, T4, A100 and A10 run it, Hopper (9.0) and newer cannot"
        : "";
  }

  private static boolean resource(String path) {
    return NativeRuntime.class.getClassLoader().getResource(path) != null;
  }
}

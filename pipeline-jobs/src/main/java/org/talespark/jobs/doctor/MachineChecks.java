package org.talespark.jobs.doctor;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.package$;
import org.talespark.jobs.doctor.Check.Status;
import org.talespark.zoo.runtime.MemoryLimits;

/** What can be seen of a machine from one process on it, driver or executor. */
final class MachineChecks {

  /** The packages that Spark and ND4J reach into on Java 17. */
  private static final List<String> OPENED =
      List.of(
          "java.nio",
          "sun.nio.ch",
          "java.lang",
          "java.util",
          "java.util.concurrent",
          "java.net",
          "java.lang.invoke",
          "java.lang.reflect");

  private static final long GIB = 1L << 30;
  private static final long LITTLE_DISK = 5 * GIB;
  private static final long TOO_LITTLE_DISK = GIB / 2;
  private static final long LITTLE_MEMORY = 2 * GIB;

  private MachineChecks() {}

  /** All checks of this process and its machine. */
  static List<Check> all() {
    List<Check> checks = new ArrayList<>();
    checks.add(java());
    checks.add(opens());
    checks.add(Check.ok("spark_version", package$.MODULE$.SPARK_VERSION()));
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    checks.add(writable("temp_directory", temporary, "set TMPDIR or -Djava.io.tmpdir"));
    checks.add(nativeCache());
    checks.add(disk(temporary));
    checks.add(memory());
    checks.add(network());
    return checks;
  }

  static Check java() {
    String found = System.getProperty("java.version") + " " + System.getProperty("java.vendor");
    int feature = Runtime.version().feature();
    if (feature < 17) {
      return Check.failed("java", found, "install JDK 17 and set JAVA_HOME to it");
    }
    return feature == 17
        ? Check.ok("java", found)
        : Check.warning("java", found, "Spark 3.5 is made for Java 17; set JAVA_HOME to a JDK 17");
  }

  static Check opens() {
    Module base = Object.class.getModule();
    Module ours = MachineChecks.class.getModule();
    List<String> closed = OPENED.stream().filter(p -> !base.isOpen(p, ours)).toList();
    if (closed.isEmpty()) {
      return Check.ok("java_opens", "%d packages of java.base are open".formatted(OPENED.size()));
    }
    return Check.failed(
        "java_opens",
        "closed: " + String.join(" ", closed),
        "start with bin/talespark or spark-submit, or add "
            + String.join(
                " ",
                closed.stream().map(p -> "--add-opens=java.base/" + p + "=ALL-UNNAMED").toList()));
  }

  /** Whether files can be written into a directory, which is made when it is missing. */
  static Check writable(String name, Path directory, String remedy) {
    try {
      Files.createDirectories(directory);
      Path probe = Files.createTempFile(directory, "talespark-doctor", ".tmp");
      Files.writeString(probe, "probe");
      Files.delete(probe);
      return Check.ok(name, directory);
    } catch (IOException | SecurityException e) {
      return Check.failed(name, "%s: %s".formatted(directory, e), remedy);
    }
  }

  static Check disk(Path directory) {
    try {
      FileStore store = Files.getFileStore(directory);
      long free = store.getUsableSpace();
      String found = "%s free at %s".formatted(gib(free), directory);
      if (free < TOO_LITTLE_DISK) {
        return Check.failed("disk_space", found, "free at least " + gib(TOO_LITTLE_DISK));
      }
      return free < LITTLE_DISK
          ? Check.warning("disk_space", found, "training runs keep checkpoints: free more")
          : Check.ok("disk_space", found);
    } catch (IOException e) {
      return Check.warning("disk_space", "unknown: " + e, "look at the disk by hand");
    }
  }

  static Check memory() {
    long all = MemoryLimits.availableMemory();
    long free = freeMemory().orElse(all);
    String found = "%s of %s available".formatted(gib(free), gib(all));
    return free < LITTLE_MEMORY
        ? Check.warning("memory", found, "end other programs, or use one worker")
        : Check.ok("memory", found);
  }

  /** An address to listen on, a free port on it, and a connection to that port. */
  static Check network() {
    String wish = System.getenv("SPARK_LOCAL_IP");
    try {
      InetAddress address =
          wish == null || wish.isBlank() ? InetAddress.getLocalHost() : InetAddress.getByName(wish);
      try (ServerSocket server = new ServerSocket(0, 1, address);
          Socket socket = new Socket(address, server.getLocalPort())) {
        return Check.ok(
            "network",
            "%s, port %d could be bound and reached".formatted(address, socket.getPort()));
      }
    } catch (IOException e) {
      return Check.failed(
          "network",
          "%s: %s".formatted(wish == null ? "this host's own name" : wish, e.getMessage()),
          "set SPARK_LOCAL_IP to an address of this machine, or fix its name in /etc/hosts");
    }
  }

  /** Whether this process has what an embedded cluster starts its executors from. */
  static Check sparkHome(String master) {
    boolean needed = master.startsWith("local-cluster");
    String home = System.getenv("SPARK_HOME");
    Status bad = needed ? Status.FAILED : Status.OK;
    if (home == null) {
      return new Check("spark_home", bad, "not set", needed ? "start with bin/talespark" : "");
    }
    boolean jars = Files.isDirectory(Path.of(home, "jars"));
    return jars
        ? Check.ok("spark_home", home)
        : new Check("spark_home", bad, home + " has no jars/", "set it to a Spark distribution");
  }

  /**
   * Where JavaCPP unpacks natives: it takes the first of these directories that it can write to.
   */
  private static Check nativeCache() {
    String user = System.getProperty("user.name");
    String set = System.getProperty("org.bytedeco.javacpp.cachedir");
    List<Path> candidates =
        set != null
            ? List.of(Path.of(set))
            : List.of(
                Path.of(System.getProperty("user.home"), ".javacpp", "cache"),
                Path.of(System.getProperty("java.io.tmpdir"), ".javacpp-" + user, "cache"));
    Check check = null;
    for (Path candidate : candidates) {
      check = writable("native_cache", candidate, "set -Dorg.bytedeco.javacpp.cachedir to another");
      if (!check.failed()) {
        return check;
      }
    }
    return check;
  }

  private static Optional<Long> freeMemory() {
    Path meminfo = Path.of("/proc/meminfo");
    try {
      return Files.isReadable(meminfo)
          ? Files.readAllLines(meminfo).stream()
              .filter(line -> line.startsWith("MemAvailable:"))
              .map(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
              .findFirst()
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static String gib(long bytes) {
    return "%.1f GiB".formatted(bytes / (double) GIB);
  }
}

package org.talespark.jobs.doctor;

import java.util.ArrayList;
import java.util.List;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.runtime.NativeRuntime.Report;
import org.talespark.zoo.runtime.NativeRuntime.Settings;

/** What the native runtime reports, as checks. */
final class NativeChecks {

  private static final double MIB = 1 << 20;

  private NativeChecks() {}

  static List<Check> all(Settings settings) {
    List<Check> checks = new ArrayList<>();
    Report report;
    try {
      report = NativeRuntime.initialize(settings);
    } catch (IllegalStateException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      checks.add(Check.failed("native_runtime", cause, String.valueOf(e.getMessage())));
      return checks;
    }
    checks.add(Check.ok("native_runtime", "a matrix product and a convolution came back right"));
    checks.add(Check.ok("processor", report.processor()));
    checks.add(
        Check.ok("nd4j", "%s, %s".formatted(report.nd4jVersion(), simpleName(report.backend()))));
    checks.add(
        Check.ok(
            "nd4j_build", "%s%s: %s".formatted(report.platform(), report.build(), report.why())));
    checks.add(Check.ok("threads", report.threads()));
    checks.add(Check.ok("openblas", report.openblasConfig()));
    checks.add(Check.ok("native_environment", report.environment()));
    checks.add(
        Check.ok(
            "memory_limits",
            "heap %s, off-heap %s, physical %s"
                .formatted(
                    mib(report.memory().heap()),
                    mib(report.memory().offHeap()),
                    report.memory().physical() == 0 ? "none" : mib(report.memory().physical()))));
    for (String warning : report.warnings()) {
      checks.add(Check.warning("native_warning", warning, "see docs/configuration.md"));
    }
    if (!report.cuda().isEmpty()) {
      checks.add(
          Check.warning("cuda", report.cuda(), "leave the cuda profile out on other processors"));
    }
    return checks;
  }

  private static String simpleName(String type) {
    return type.substring(type.lastIndexOf('.') + 1);
  }

  private static String mib(long bytes) {
    return Math.round(bytes / MIB) + " MiB";
  }
}

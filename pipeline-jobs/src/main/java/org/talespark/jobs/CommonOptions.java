package org.talespark.jobs;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that every command understands. */
final class CommonOptions {

  @Option(
      names = "--config",
      paramLabel = "FILE.yaml",
      description = "Configuration on top of the recipe; may be repeated, later files win.")
  List<Path> configs = new ArrayList<>();

  @Option(
      names = "--set",
      paramLabel = "path.to.key=value",
      description = "One configuration key, its value as YAML; may be repeated.")
  List<String> sets = new ArrayList<>();

  @Option(
      names = "--master",
      paramLabel = "URL",
      description =
          "The Spark master. Without it the one given to spark-submit is used, and the launcher"
              + " starts an embedded cluster sized to the machine.")
  String master;

  @Option(
      names = "--dry-run",
      description = "Print the resolved configuration and the plan, and do nothing.")
  boolean dryRun;

  @Option(
      names = "--json",
      description = "Print the result as one JSON object on the last line of standard output.")
  boolean json;

  @Option(names = "--verbose", description = "Print stack traces with errors.")
  boolean verbose;
}

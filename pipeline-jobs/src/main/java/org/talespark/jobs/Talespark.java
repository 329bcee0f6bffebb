package org.talespark.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.talespark.jobs.bench.BenchExchangeCommand;
import org.talespark.jobs.bench.BenchPrepareCommand;
import org.talespark.jobs.bench.BenchSearchCommand;
import org.talespark.jobs.bench.BenchStepCommand;
import org.talespark.jobs.corpus.PrepareCommand;
import org.talespark.jobs.corpus.ScenesCommand;
import org.talespark.jobs.corpus.TokenizerCommand;
import org.talespark.jobs.demo.DemoCommand;
import org.talespark.jobs.doctor.DoctorCommand;
import org.talespark.jobs.evaluate.EvaluateCommand;
import org.talespark.jobs.export.ExportCommand;
import org.talespark.jobs.infer.EmbedCommand;
import org.talespark.jobs.infer.GenerateCommand;
import org.talespark.jobs.infer.ReconstructCommand;
import org.talespark.jobs.infer.SearchCommand;
import org.talespark.jobs.train.TrainCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * The program: parses the command line, runs one command, prints its result and ends with an exit
 * code: 0 done, 2 bad usage or configuration, 3 bad input data, 4 failed while running.
 *
 * <p>Standard output carries the result and nothing else; everything else goes to standard error.
 */
@Command(
    name = "talespark",
    mixinStandardHelpOptions = true,
    versionProvider = Talespark.Version.class,
    subcommands = HelpCommand.class,
    description =
        "Trains generative and vision-language models on Spark and tells stories with them.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "2:bad usage or configuration",
      "3:bad input data",
      "4:failed while running"
    })
public final class Talespark {

  /** Every command by its full name; a new one is one line here. */
  private static final Map<String, Supplier<JobCommand>> COMMANDS = new LinkedHashMap<>();

  /** What the words stand for that only group other commands. */
  private static final Map<String, String> GROUPS =
      Map.of(
          "corpus", "Makes corpora.",
          "infer", "Uses a trained model.",
          "bench", "Measures speed.",
          "story", "Tells illustrated stories.",
          "schedule", "Runs retraining cycles.");

  static {
    COMMANDS.put("corpus scenes", ScenesCommand::new);
    COMMANDS.put("prepare", PrepareCommand::new);
    COMMANDS.put("tokenizer", TokenizerCommand::new);
    COMMANDS.put("train", TrainCommand::new);
    COMMANDS.put("evaluate", EvaluateCommand::new);
    COMMANDS.put("infer reconstruct", ReconstructCommand::new);
    COMMANDS.put("infer generate", GenerateCommand::new);
    COMMANDS.put("infer embed", EmbedCommand::new);
    COMMANDS.put("infer search", SearchCommand::new);
    COMMANDS.put("export", ExportCommand::new);
    COMMANDS.put("doctor", DoctorCommand::new);
    COMMANDS.put("demo", DemoCommand::new);
    COMMANDS.put("bench step", BenchStepCommand::new);
    COMMANDS.put("bench exchange", BenchExchangeCommand::new);
    COMMANDS.put("bench prepare", BenchPrepareCommand::new);
    COMMANDS.put("bench search", BenchSearchCommand::new);
  }

  private Talespark() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    PrintStream results = new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8);
    System.setOut(System.err); // libraries that print must not mix with results
    int code = run(args, new Surroundings(results, System.err, SessionSource::ours));
    results.flush();
    System.exit(code);
  }

  /** Runs one command and returns its exit code. */
  static int run(String[] args, Surroundings around) {
    return commandLine(around).execute(args);
  }

  /** The whole command line, ready to parse. */
  static CommandLine commandLine(Surroundings around) {
    return commandLine(around, COMMANDS);
  }

  /** A command line of the given commands. */
  static CommandLine commandLine(Surroundings around, Map<String, Supplier<JobCommand>> commands) {
    CommandLine root = new CommandLine(new Talespark());
    commands.forEach((name, command) -> add(root, List.of(name.split(" ")), command.get(), around));
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.setOut(new PrintWriter(around.out(), true, UTF_8));
    root.setErr(new PrintWriter(around.err(), true, UTF_8));
    root.setParameterExceptionHandler((e, args) -> refuse(e, args, around));
    root.setExecutionExceptionHandler(
        (e, line, parsed) -> fail(e, line, parsed.originalArgs().contains("--json"), around));
    return root;
  }

  private static void add(
      CommandLine parent, List<String> words, JobCommand command, Surroundings around) {
    String word = words.get(0);
    if (words.size() == 1) {
      command.surroundings(around);
      parent.addSubcommand(word, command);
      return;
    }
    if (!parent.getSubcommands().containsKey(word)) {
      CommandSpec group = CommandSpec.create().name(word).mixinStandardHelpOptions(true);
      group.usageMessage().description(GROUPS.getOrDefault(word, ""));
      parent.addSubcommand(word, group);
    }
    add(parent.getSubcommands().get(word), words.subList(1, words.size()), command, around);
  }

  private static int refuse(ParameterException e, String[] args, Surroundings around) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName(" ");
    return report(
        Failures.usage(e) + "; try " + command + " --help",
        ExitCode.BAD_USAGE,
        Arrays.asList(args).contains("--json"),
        around);
  }

  private static int fail(Exception e, CommandLine line, boolean json, Surroundings around) {
    boolean verbose =
        System.getenv("TALESPARK_VERBOSE") != null
            || (line.getCommand() instanceof JobCommand command && command.verbose());
    if (verbose) {
      e.printStackTrace(around.err());
    }
    int code = ExitCode.of(e);
    String hint = verbose || code == ExitCode.BAD_USAGE ? "" : " (--verbose shows where)";
    return report(Failures.sentence(e) + hint, code, json, around);
  }

  private static int report(String message, int code, boolean json, Surroundings around) {
    around.err().println("talespark: " + message);
    if (json) {
      ObjectNode result = Results.of("failed", Duration.ZERO, Map.of());
      around.out().println(Results.line(result.put("error", message).put("exit_code", code)));
    }
    return code;
  }

  /** The version from the jar's manifest. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "talespark "
            + Objects.requireNonNullElse(
                Talespark.class.getPackage().getImplementationVersion(), "development")
      };
    }
  }
}

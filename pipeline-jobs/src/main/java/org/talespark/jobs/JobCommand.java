package org.talespark.jobs;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Spec;

/**
 * One command of the command line. A subclass declares its options with picocli's annotations and
 * does its work in {@link #run}; the options of {@link CommonOptions}, results, errors and exit
 * codes are taken care of here.
 */
@Command(mixinStandardHelpOptions = true)
public abstract class JobCommand implements Callable<Integer> {

  @Mixin private CommonOptions common;

  @Spec private CommandSpec spec;

  private Surroundings surroundings;

  /**
   * Does the work and returns a record whose components, in snake case, are the result's keys.
   *
   * @throws IllegalArgumentException for bad usage or configuration, exit code 2
   * @throws org.talespark.data.BadInputException for bad input data, exit code 3
   * @throws Exception for any other failure, exit code 4
   */
  protected abstract Object run(Context context) throws Exception;

  /**
   * What {@code --dry-run} prints instead of doing the work: the resolved configuration and the
   * plan. A command without configuration need not say more than its options.
   *
   * @throws Exception as {@link #run}
   */
  protected Object plan(Context context) throws Exception {
    Map<String, Object> options = new LinkedHashMap<>();
    for (ArgSpec argument : spec.args()) {
      Object value = argument.getValue();
      boolean own = argument.scope().get() == this;
      if (own && value != null) {
        options.put(name(argument), value instanceof Iterable<?> ? value : value.toString());
      }
    }
    context.master().ifPresent(master -> options.put("master", master));
    return Map.of("command", context.command(), "options", options);
  }

  /**
   * Whether this command has a configuration. Where it has none, {@code --config} and {@code --set}
   * are refused instead of having no effect.
   */
  protected boolean takesConfiguration() {
    return false;
  }

  @Override
  public final Integer call() throws Exception {
    if (!takesConfiguration() && !(common.configs.isEmpty() && common.sets.isEmpty())) {
      throw new IllegalArgumentException(
          "Cannot use %s: this command has no configuration; try its own options, see --help"
              .formatted(common.sets.isEmpty() ? "--config" : "--set"));
    }
    String name = spec.qualifiedName(" ").replaceFirst("^\\S+ ", "");
    try (Context context = new Context(name, common, surroundings)) {
      try {
        Object value = common.dryRun ? plan(context) : run(context);
        print(context.result(common.dryRun ? "planned" : "done", value), value);
        return ExitCode.DONE;
      } catch (FailedChecksException e) {
        ObjectNode result = context.result("failed", e.result());
        print(result.put("error", e.getMessage()), e.result());
        surroundings.err().println("talespark: " + e.getMessage());
        return ExitCode.FAILED;
      }
    }
  }

  void surroundings(Surroundings around) {
    this.surroundings = around;
  }

  boolean verbose() {
    return common.verbose;
  }

  private void print(ObjectNode result, Object value) {
    String text = value instanceof ForPeople people ? people.text() : Results.text(result);
    surroundings.out().println(common.json ? Results.line(result) : text.strip());
    surroundings.out().flush();
  }

  private static String name(ArgSpec argument) {
    return argument.isOption() ? ((OptionSpec) argument).longestName() : argument.paramLabel();
  }
}

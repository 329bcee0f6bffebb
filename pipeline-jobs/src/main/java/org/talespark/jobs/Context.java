package org.talespark.jobs;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.talespark.jobs.config.ConfigTree;

/** What a running command may use: the common options, a Spark session, the way to its result. */
public final class Context implements AutoCloseable {

  private final CommonOptions options;
  private final Surroundings surroundings;
  private final String command;
  private final long started = System.nanoTime();
  private SparkSession session;
  private ObjectNode result;

  Context(String command, CommonOptions options, Surroundings surroundings) {
    this.command = command;
    this.options = options;
    this.surroundings = surroundings;
  }

  /** The command's full name, such as {@code infer caption}. */
  public String command() {
    return command;
  }

  /** The master of {@code --master}, else the one given to spark-submit. */
  public Optional<String> master() {
    return Optional.ofNullable(options.master)
        .or(() -> Optional.ofNullable(System.getProperty("spark.master")));
  }

  /** Puts {@code --config} files and then {@code --set} assignments on top of a recipe. */
  public ConfigTree.Builder overlay(ConfigTree.Builder recipe) {
    for (Path file : options.configs) {
      recipe.file(file);
    }
    for (String assignment : options.sets) {
      recipe.set(assignment);
    }
    return recipe;
  }

  /** The session of this command, opened at the first call and closed when the command ends. */
  public synchronized SparkSession spark() {
    if (session == null) {
      session =
          surroundings.sessions().open("talespark " + command, Optional.ofNullable(options.master));
    }
    return session;
  }

  /** Takes progress lines; standard error. */
  public PrintStream log() {
    return surroundings.err();
  }

  /** Time since the command began. */
  public Duration elapsed() {
    return Duration.ofNanos(System.nanoTime() - started);
  }

  /**
   * Fixes the result now and returns it as the line that {@code --json} will print, so that a job
   * can commit the very same line as {@code result.json} with its output.
   *
   * @param value the result record; its keys become snake case
   */
  public String resultLine(Object value) {
    if (result == null) {
      result = Results.of("done", elapsed(), value);
    }
    return Results.line(result);
  }

  /** The line that a command's own {@code --json} would print for a part of this one. */
  public static String line(Object value) {
    return Results.line(Results.of("done", Duration.ZERO, value));
  }

  ObjectNode result(String status, Object value) {
    return result == null ? Results.of(status, elapsed(), value) : result;
  }

  @Override
  public void close() {
    if (session != null) {
      session.close();
    }
  }
}

package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.cluster.Sessions;

/** Runs of two steps, evaluated on an embedded cluster. */
@Timeout(240)
class RunEvaluationTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());
  private static final Configuration HADOOP = new Configuration();

  @TempDir private static Path folder;
  private static SparkSession session;
  private static Dataset dataset;

  @BeforeAll
  static void prepare() {
    Path prepared = Tiny.dataset(folder);
    dataset = Dataset.open(Tiny.uri(prepared), HADOOP);
    session = Sessions.open(Tiny.MASTER, "evaluating", Sessions.defaultConfig(Tiny.MASTER));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static Path train(String name, String... settings) throws Exception {
    String[] all = new String[settings.length + 2];
    System.arraycopy(settings, 0, all, 2, settings.length);
    all[0] = "train.steps=2";
    all[1] = "data.evaluation_samples=1000"; // all of the validation split
    Path run = folder.resolve(name);
    new TrainJob(Tiny.config(all), dataset.uri(), Tiny.uri(run), null, false, SILENT).run(session);
    return run;
  }

  private static RunEvaluation.Result evaluate(String uri, Split split, long most)
      throws Exception {
    return RunEvaluation.of(uri, HADOOP)
        .run(
            JavaSparkContext.fromSparkContext(session.sparkContext()),
            HADOOP,
            dataset,
            split,
            most,
            null,
            SILENT);
  }

  /** The metrics that training wrote with its checkpoint. */
  private static void assertAsTrained(Path run, RunEvaluation.Result result) throws Exception {
    List<JsonNode> rows = Tiny.metrics(run);
    JsonNode trained = rows.get(rows.size() - 1);
    assertThat(result.samples()).isEqualTo(dataset.samples(Split.VALIDATION));
    assertThat(result.metrics()).isNotEmpty();
    result
        .metrics()
        .forEach(
            (name, estimate) -> {
              double expected = trained.get("validation_" + name).asDouble();
              assertThat(estimate.value())
                  .as(name)
                  .isCloseTo(expected, Offset.offset(1e-6 * (1 + Math.abs(expected))));
              assertThat(estimate.low()).as(name).isLessThanOrEqualTo(estimate.value());
              assertThat(estimate.high()).as(name).isGreaterThanOrEqualTo(estimate.value());
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"vq", "diffusion"})
  void aRunIsMeasuredAsItsTrainingMeasuredIt(String task) throws Exception {
    Path run = task.equals("vq") ? train(task) : train(task, Tiny.DIFFUSION);
    RunEvaluation.Result result = evaluate(Tiny.uri(run), Split.VALIDATION, Long.MAX_VALUE);
    assertAsTrained(run, result);
    assertThat(result.metrics().values()).anyMatch(e -> e.high() > e.low());
    // a checkpoint of it is the same
    String checkpoint = Tiny.uri(Tiny.checkpoint(run, 2));
    assertThat(evaluate(checkpoint, Split.VALIDATION, Long.MAX_VALUE)).isEqualTo(result);
    assertThat(evaluate(checkpoint, Split.TEST, 3).samples()).isEqualTo(3);
    assertThatThrownBy(() -> evaluate(checkpoint, Split.TEST, 1))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("split=test samples=1, expected at least 2");
  }

  @Test
  void aCheckpointOutsideOfARunIsRefused() throws Exception {
    Path run = train("lost");
    Path moved = folder.resolve("elsewhere").resolve("deeper").resolve("checkpoint");
    Files.createDirectories(moved.getParent());
    Tiny.copy(Tiny.checkpoint(run, 2), moved);
    assertThatThrownBy(() -> RunEvaluation.of(Tiny.uri(moved), HADOOP))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("has no config.yaml two levels above it, expected a run directory");
  }
}

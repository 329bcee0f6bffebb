package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.data.prepare.Scratch.SMALL;
import static org.talespark.data.prepare.Scratch.contents;
import static org.talespark.data.prepare.Scratch.job;
import static org.talespark.data.prepare.Scratch.listed;
import static org.talespark.data.prepare.Scratch.put;
import static org.talespark.data.prepare.Scratch.samples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.prepare.Milestone.Place;

@Timeout(240)
class PrepareCrashTest {

  private static final PrepareConfig OTHER = SMALL.withSize(16);

  private static SparkSession spark;

  @TempDir Path temporary;
  private Path corpus;
  private Path out;
  private Map<String, String> before;

  @BeforeAll
  static void startSpark() {
    spark = Scratch.spark();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  @BeforeEach
  void prepare() throws Exception {
    corpus = Scratch.scenes(temporary, 20);
    out = temporary.resolve("dataset");
    job(corpus, out, SMALL).run(spark);
    before = contents(out);
  }

  @Test
  void whereverARunIsKilledThereIsAWholeDatasetAndTheNextRunCleansUp() throws Exception {
    job(corpus, out, OTHER).passing(new Snapshots(out.toString(), temporary.toString())).run(spark);

    assertThat(contents(out).keySet()).isEqualTo(listed(out));
    for (Place place : EnumSet.range(Place.STARTED, Place.COMMITTED)) {
      Path killed = temporary.resolve(place.name());
      put(killed, "notes.txt", "not ours");
      boolean committed = place == Place.COMMITTED;
      assertThat(samples(killed)).as(place.name()).hasSize(20);
      if (committed) {
        assertThat(contents(killed)).containsAllEntriesOf(contents(out));
      } else {
        assertThat(contents(killed)).containsAllEntriesOf(before);
      }
      assertThat(contents(killed)).hasSizeGreaterThan(before.size() + 1);

      assertThat(job(corpus, killed, committed ? OTHER : SMALL).run(spark).unchanged()).isTrue();
      assertThat(contents(killed).keySet()).isEqualTo(listed(killed, "notes.txt"));
    }
  }

  /** Copies what a kill would leave, at every place of the driver. */
  private record Snapshots(String out, String folder) implements Milestone {
    @Override
    public void reached(Place place) {
      if (TaskContext.get() == null) {
        try {
          Scratch.copy(Path.of(out), Path.of(folder, place.name()));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  @Test
  void aFailingRunLeavesTheOldDatasetAsItWas() throws Exception {
    for (Place at : List.of(Place.WRITING_SHARD, Place.INDEX_WRITTEN)) {
      Milestone die =
          place -> {
            if (place == at) {
              throw new IllegalStateException("failed at " + place);
            }
          };
      assertThatThrownBy(() -> job(corpus, out, OTHER).passing(die).run(spark))
          .hasStackTraceContaining("failed at " + at);
      assertThat(contents(out)).isEqualTo(before);
    }
    Scratch.pair(corpus, "000/more", Scratch.png(1, 40, 40), "one more");
    Milestone late =
        place -> {
          if (place == Place.INDEX_WRITTEN) {
            throw new IllegalStateException("failed");
          }
        };
    PrepareJob append =
        new PrepareJob(List.of(corpus.toString()), out.toString(), SMALL, true).passing(late);
    assertThatThrownBy(() -> append.run(spark)).hasMessage("failed");
    assertThat(contents(out)).isEqualTo(before);
  }

  @Test
  void aKilledProcessLeavesTheOldDatasetWholeAndTheNextRunEndsWell() throws Exception {
    Path mark = temporary.resolve("mark");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("--add-opens="))
        .forEach(command::add);
    command.addAll(List.of("-Xmx512m", "-Dorg.bytedeco.javacpp.maxbytes=256m"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(Doomed.class.getName(), corpus.toString(), out.toString(), mark.toString()));
    Path said = temporary.resolve("said");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    try {
      while (!Files.exists(mark)) {
        assertThat(process.isAlive()).as(() -> read(said)).isTrue();
        TimeUnit.MILLISECONDS.sleep(50);
      }
      assertThatThrownBy(() -> job(corpus, out, OTHER).run(spark))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("process " + process.pid());
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(contents(out)).containsAllEntriesOf(before).hasSizeGreaterThan(before.size());
    assertThat(samples(out)).hasSize(20);

    job(corpus, out, OTHER).run(spark);

    assertThat(samples(out)).hasSize(20);
    assertThat(contents(out).keySet()).isEqualTo(listed(out));
    assertThat(Scratch.open(out).manifest().settings().get("size").intValue()).isEqualTo(16);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A process that has written its shards and waits for its end. */
  static final class Doomed {

    private Doomed() {}

    public static void main(String[] arguments) {
      Milestone wait =
          place -> {
            if (place == Place.SHARDS_WRITTEN) {
              try {
                Files.createFile(Path.of(arguments[2]));
                TimeUnit.MINUTES.sleep(5);
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            }
          };
      job(Path.of(arguments[0]), Path.of(arguments[1]), OTHER).passing(wait).run(Scratch.spark());
    }
  }
}

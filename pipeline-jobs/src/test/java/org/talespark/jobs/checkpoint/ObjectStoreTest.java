package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.talespark.jobs.checkpoint.CommittedOutput.Existing;

/** Nothing here renames, appends or syncs, and directories come and go with their files. */
class ObjectStoreTest {
  private static final Path RUN = new Path("object:///bucket/run");

  private final ObjectStore objects = new ObjectStore();
  private final CheckpointStore store = new CheckpointStore(objects, RUN);

  private static Map<String, FileBody> bodies(String weights) {
    return Map.of(
        "model.safetensors", out -> out.write(weights.getBytes(UTF_8)),
        "config.json", out -> out.write('{'));
  }

  @Test
  void checkpointsAreWrittenReadPrunedAndReplaced() throws IOException {
    assertThat(store.latestCommitted()).isEmpty();
    for (long step = 1; step <= 4; step++) {
      store.write(step, bodies("weights of " + step));
    }
    objects.put(new Path(RUN, "checkpoints/step-00000000/WRITING"), "a".getBytes(UTF_8));
    objects.put(new Path(RUN, "checkpoints/step-00000000/a"), new byte[3]);
    store.prune(1, Set.of(2L));
    assertThat(store.committed()).extracting(Checkpoint::step).containsExactly(2L, 4L);
    assertThat(objects.keys(new Path(RUN, "checkpoints"))).hasSize(8);
    objects.put(new Path(RUN, "checkpoints/step-00000004/model.safetensors"), new byte[12]);
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(2);
    store.write(4, bodies("weights of 4"));
    Checkpoint latest = store.latestCommitted().orElseThrow();
    try (var in = latest.open("model.safetensors")) {
      assertThat(in.readAllBytes()).asString(UTF_8).isEqualTo("weights of 4");
    }
  }

  @Test
  void aFileWhoseStreamWasNeverClosedIsNotThere() throws IOException {
    store.write(1, bodies("one"));
    OutputStream never = objects.create(new Path(RUN, "checkpoints/step-00000002/COMMITTED"), true);
    never.write("whatever".getBytes(UTF_8));
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(1);
    store.write(2, bodies("two"));
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(2);
  }

  @Test
  void aLockKeepsTwoRunsApartAndFencesWork() throws IOException {
    try (RunLock lock = RunLock.acquire(objects, RUN, Duration.ofMinutes(1))) {
      Fence fence = RunLock.fence(objects, RUN, lock.newAttempt());
      lock.renew();
      fence.check();
      assertThatThrownBy(() -> RunLock.acquire(objects, RUN, Duration.ofMinutes(1)))
          .hasMessageContaining("run.lock");
      assertThat(objects.keys(RUN)).containsExactly("/bucket/run/run.lock");
    }
    assertThat(objects.keys(RUN)).isEmpty();
  }

  @Test
  void anOutputIsCommittedAndReplaced() throws IOException {
    for (String result : List.of("{\"is\":1}", "{\"is\":2}")) {
      CommittedOutput output =
          CommittedOutput.open(objects, RUN, "test", List.of("images"), Existing.REPLACE);
      assertThat(CommittedOutput.result(objects, RUN)).isEmpty();
      assertThat(objects.keys(RUN)).containsExactly("/bucket/run/_talespark.json");
      try (OutputStream out = output.create("images/a.png")) {
        out.write(1);
      }
      output.commit(result);
      assertThat(CommittedOutput.result(objects, RUN)).contains(result);
    }
  }

  @Test
  void lastingFilesAreReplacedWithoutRenaming() throws IOException {
    RunFiles files = new RunFiles(objects, RUN, Set.of("best.json"));
    files.write("best.json", "old".getBytes(UTF_8));
    files.write("best.json", "new".getBytes(UTF_8));
    assertThat(files.read("best.json")).contains("new".getBytes(UTF_8));
    assertThat(objects.keys(RUN)).containsExactly("/bucket/run/best.json");
  }
}

package org.talespark.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.bench.Photographs;

@Tag("slow")
@Timeout(400)
class ExecutorScalingTest {

  @Test
  void bothClustersPrepareAllCopies(@TempDir Path folder) throws Exception {
    Photographs.fill(folder, 3, 2);
    List<String> lines = new ArrayList<>();

    ExecutorScaling.Found found = new ExecutorScaling(folder, 3, 2, 1, 64, 90, 1).run(lines::add);

    assertThat(found.one().all()).isPositive().isLessThan(found.one().examining());
    assertThat(found.two().all()).isPositive().isLessThan(found.two().examining());
    assertThat(found.ratio().all()).isEqualTo(found.two().all() / found.one().all());
    assertThat(found.ratio().examining()).isPositive().isFinite();
    assertThat(lines).singleElement().asString().startsWith("turn 1 of 1: one executor ");
  }
}

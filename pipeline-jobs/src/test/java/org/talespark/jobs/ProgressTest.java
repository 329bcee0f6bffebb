package org.talespark.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {

  @Test
  void progressIsSaidNowAndThenAndAtTheEnd() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    AtomicLong now = new AtomicLong();
    Progress progress =
        Progress.withClock(new PrintStream(bytes, true, UTF_8), "train", "steps", 1000, now::get);
    for (int step = 1; step <= 1000; step++) {
      now.addAndGet(10_000_000);
      progress.at(step, "loss=0.5");
    }
    assertThat(bytes.toString(UTF_8).lines())
        .hasSize(6)
        .contains("train 201/1000 20% 100.0 steps/s loss=0.5 left 0m07s")
        .last()
        .isEqualTo("train 1000/1000 100% 100.0 steps/s loss=0.5 in 0m10s");
  }
}

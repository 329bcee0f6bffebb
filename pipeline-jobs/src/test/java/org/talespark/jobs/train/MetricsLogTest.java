package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
  @TempDir private Path folder;

  @Test
  void rowsOfLaterStepsAreDroppedAndTheOthersKeepTheirValues() throws IOException {
    RunDirectory directory = new RunDirectory(folder.toUri().toString(), new Configuration());
    directory.write(
        RunDirectory.METRICS,
        """
        {"step":1,"loss":3.0}
        {"step":1,"psnr":20.0}
        {"step":2,"loss":1.0,"psnr":25.0}
        {"step":3,"loss":0.5,"psnr":30.0}
        """
            .getBytes(UTF_8));
    MetricsLog log = MetricsLog.after(directory, 2);
    assertThat(log.values("psnr")).isEqualTo(Map.of(1L, 20.0, 2L, 25.0));
    assertThat(log.values("loss")).isEqualTo(Map.of(1L, 3.0, 2L, 1.0));
    assertThat(log.values("other")).isEmpty();
    directory.write(RunDirectory.METRICS, log.bytes());
    assertThat(MetricsLog.read(directory)).hasSize(3);
  }
}

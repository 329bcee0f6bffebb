package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProgressPrinterTest {
  private final Locale usual = Locale.getDefault();

  @AfterEach
  void restore() {
    Locale.setDefault(usual);
  }

  private static String line(String json) throws IOException {
    JsonNode progress = LearnerFiles.JSON.readTree(json);
    return ProgressPrinter.line(progress);
  }

  @Test
  void aLineSaysStepLossRateShareOfTheExchangeAndTimeLeft() throws IOException {
    assertThat(
            line(
                """
                {"step": 120, "samples": 960, "seconds": 30.0, "loss": 0.123456,
                 "samples_per_second": 31.96, "done": 0.25, "exchange_share": 0.126}"""))
        .isEqualTo("step 120  loss 0.1235  32.0 samples/s  exchange 13%  1:30 left");
  }

  @Test
  void afterAnEvaluationItHasTheMetricInAnyLocale() throws IOException {
    Locale.setDefault(Locale.GERMANY);
    assertThat(
            line(
                """
                {"step": 5, "seconds": 61.0, "loss": 1.5, "samples_per_second": 8, "done": 0.5,
                 "exchange_share": 0, "metric": "psnr", "value": 21.456}"""))
        .isEqualTo("step 5  loss 1.5000  psnr 21.46  8.0 samples/s  exchange 0%  1:01 left");
  }

  @Test
  void beforeTheFirstStepNothingIsDividedByZero() throws IOException {
    assertThat(line("{\"step\": 0, \"done\": 0}")).endsWith("0:00 left");
  }
}

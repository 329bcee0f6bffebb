package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.talespark.data.prepare.Scratch.pair;
import static org.talespark.data.prepare.Scratch.png;
import static org.talespark.data.prepare.Scratch.put;

import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.image.PictureHeader;
import org.talespark.data.prepare.PrepareSummary.Bin;
import org.talespark.data.prepare.PrepareSummary.RejectedRow;

class PrepareSummaryTest {

  private static SparkSession spark;

  @TempDir Path temporary;

  @BeforeAll
  static void startSpark() {
    spark = Scratch.spark();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  @Test
  void aDatasetIsCountedAndSampledTheSameWayEveryTime() throws Exception {
    Path in = temporary.resolve("in");
    for (int i = 0; i < 60; i++) {
      pair(in, "p" + i, png(i, i < 20 ? 40 : 150, 150), "x".repeat(1 + i));
    }
    for (int i = 0; i < 8; i++) {
      put(in, "mute-" + i + ".png", png(100 + i, 40, 40));
    }
    pair(in, "small", png(200, 8, 9), "too small");
    pair(in, "p7-copy", png(7, 40, 150), "copy");
    Path out = temporary.resolve("dataset");
    Scratch.job(in, out, Scratch.SMALL).run(spark);

    PrepareSummary summary = PrepareSummary.of(spark, Scratch.open(out), 1);

    assertThat(summary.manifest().accepted()).isEqualTo(60);
    assertThat(summary.sides())
        .containsExactly(
            new Bin(8, 16, 1),
            new Bin(16, 32, 0),
            new Bin(32, 64, 21),
            new Bin(64, 128, 0),
            new Bin(128, 256, 40));
    assertThat(summary.captionLengths()).hasSize(20);
    assertThat(summary.captionLengths().stream().mapToLong(Bin::count).sum()).isEqualTo(60);
    assertThat(summary.pictures()).hasSize(48).doesNotHaveDuplicates();
    for (SamplePicture picture : summary.pictures()) {
      assertThat(PictureHeader.of(picture.png()).width()).isEqualTo(128);
      assertThat(picture.caption()).matches("x+");
    }
    assertThat(summary.rejected())
        .hasSize(7)
        .contains(
            new RejectedRow(in.resolve("small.png").toString(), "too_small", "8 x 9 pixels"),
            new RejectedRow(in.resolve("p7-copy.png").toString(), "duplicate", "copy of p7"))
        .extracting(RejectedRow::reason)
        .contains("caption_missing");
    assertThat(PrepareSummary.of(spark, Scratch.open(out), 1).pictures())
        .extracting(SamplePicture::key)
        .isEqualTo(summary.pictures().stream().map(SamplePicture::key).toList());
  }
}

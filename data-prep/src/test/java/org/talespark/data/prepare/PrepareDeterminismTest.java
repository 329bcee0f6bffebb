package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.talespark.data.prepare.Scratch.contents;
import static org.talespark.data.prepare.Scratch.pair;
import static org.talespark.data.prepare.Scratch.pixels;
import static org.talespark.data.prepare.Scratch.png;
import static org.talespark.data.prepare.Scratch.put;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.image.Images;

class PrepareDeterminismTest {

  private static final PrepareConfig NEAR =
      Scratch.SMALL.with(Map.of("dedup", "near", "shuffle_seed", 3));

  private static SparkSession spark;

  @TempDir static Path temporary;

  private static final List<String> INPUTS = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    spark = Scratch.spark();
    for (int folder = 0; folder < 7; folder++) {
      Path in = temporary.resolve("in-" + folder);
      for (int i = 0; i < 6; i++) {
        pair(in, "p" + i, png(10 * folder + i, 40, 40), "picture " + i);
      }
      pair(in, "copy", png(folder / 2, 40, 40), "a copy in " + folder);
      put(in, "like.jpg", Images.encodeJpeg(pixels(1 + folder / 3, 60, 60), 90));
      put(in, "like.txt", "looks like one in " + folder);
      put(in, "p0.jpg", png(200 + folder, 40, 40));
      put(in, "cut.png", new byte[] {(byte) 0x89, 'P', 'N', 'G'});
      put(in, "cut.txt", "cut short");
      INPUTS.add(in.toString());
    }
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  private static Map<String, String> run(int tasks, Milestone milestone) throws Exception {
    spark.conf().set("spark.sql.shuffle.partitions", tasks);
    Path out = temporary.resolve("out-" + tasks);
    new PrepareJob(INPUTS, out.toString(), NEAR).tasks(tasks).passing(milestone).run(spark);
    return contents(out);
  }

  @Test
  void theBytesDependOnNeitherTheNumberOfTasksNorFailingOnes() throws Exception {
    Map<String, String> one = run(1, place -> {});
    assertThat(one)
        .containsKeys("index/00000.parquet", "shards/00000.tar", "dataset.json")
        .hasSizeGreaterThan(8);
    assertThat(Scratch.open(temporary.resolve("out-1")).manifest().reasons())
        .containsOnlyKeys("duplicate", "near_duplicate", "duplicate_key", "truncated");
    assertThat(run(3, PrepareDeterminismTest::failEveryTaskOnce)).isEqualTo(one);
    assertThat(run(7, place -> {})).isEqualTo(one);
  }

  private static void failEveryTaskOnce(Milestone.Place place) {
    TaskContext task = TaskContext.get();
    if (task != null && task.attemptNumber() == 0) {
      throw new IllegalStateException("lost at " + place);
    }
  }
}

package org.talespark.data.dedup;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.format_string;
import static org.apache.spark.sql.functions.lit;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.dedup.Scenes.Scene;

class NearDuplicatesTest {

  private static final StructType PICTURES =
      new StructType().add("id", "string").add("phash", "long").add("thumbnail", "binary");

  private static SparkSession spark;

  @BeforeAll
  static void startSpark() {
    spark = LocalSpark.open("near-duplicates-test");
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  private static Row row(String id, Fingerprint print) {
    return RowFactory.create(id, print.phash(), print.thumbnail());
  }

  private static Map<String, String> groups(Dataset<Row> pictures, int maxDistance) {
    Map<String, String> groups = new TreeMap<>();
    for (Row row : NearDuplicates.groups(pictures, maxDistance).collectAsList()) {
      assertThat(groups.put(row.getString(0), row.getString(1))).as(row.toString()).isNull();
    }
    return groups;
  }

  @Test
  void groupsAreThoseOfComparingAllPairsWhateverThePartitions() {
    Random random = new Random(2);
    for (int maxDistance : List.of(0, 5)) {
      List<Fingerprint> prints = Prints.clustered(random, 300, 8);
      prints.addAll(prints.subList(0, 20)); // equal fingerprints
      int[] components = Prints.components(prints, maxDistance);
      Map<String, String> expected = new TreeMap<>();
      List<Row> rows = new ArrayList<>();
      for (int i = 0; i < prints.size(); i++) {
        int component = components[i];
        rows.add(row("p%04d".formatted(i), prints.get(i)));
        if (Arrays.stream(components).filter(c -> c == component).count() > 1) {
          expected.put("p%04d".formatted(i), "p%04d".formatted(component));
        }
      }
      assertThat(expected).hasSizeGreaterThan(40).hasSizeLessThan(prints.size());
      Dataset<Row> pictures = spark.createDataFrame(rows, PICTURES);
      assertThat(groups(pictures.coalesce(1), maxDistance)).isEqualTo(expected);
      Collections.shuffle(rows, random);
      assertThat(groups(spark.createDataFrame(rows, PICTURES).repartition(5), maxDistance))
          .isEqualTo(expected);
    }
  }

  @Test
  void copiesOfScenesAreGroupedWithThemAndOtherScenesAreNot(@TempDir Path folder)
      throws IOException {
    List<Scene> scenes = Scenes.draw(folder.resolve("scenes"), 60, 64, 5);
    List<Row> rows = new ArrayList<>();
    for (Scene scene : scenes) {
      rows.add(row(scene.id() + " original", Fingerprint.of(scene.pixels())));
      Copies.kinds()
          .forEach(
              (kind, copy) ->
                  rows.add(
                      row(scene.id() + " " + kind, Fingerprint.of(copy.apply(scene.pixels())))));
    }
    Map<String, String> groups = groups(spark.createDataFrame(rows, PICTURES), 8);
    groups.forEach((id, group) -> assertThat(shows(scenes, id)).isEqualTo(shows(scenes, group)));
    assertThat(groups.size()).isGreaterThanOrEqualTo(rows.size() * 99 / 100);
  }

  private static String shows(List<Scene> scenes, String id) {
    String scene = id.substring(0, id.indexOf(' '));
    return scenes.stream().filter(s -> s.id().equals(scene)).findFirst().orElseThrow().shows();
  }

  @Test
  void manyEqualPicturesCostNoMoreThanAGrouping() {
    Fingerprint blank = Prints.varied(new Random(1), new Fingerprint(0, new byte[192]), 0, 1);
    Dataset<Row> blanks =
        spark
            .range(300_000)
            .select(
                format_string("b%06d", col("id")).as("id"),
                lit(0L).as("phash"),
                lit(blank.thumbnail()).as("thumbnail"));
    long started = System.nanoTime();
    Dataset<Row> groups = NearDuplicates.groups(blanks, 6);
    assertThat(groups.count()).isEqualTo(300_000);
    assertThat(groups.select("group").distinct().collectAsList())
        .containsExactly(RowFactory.create("b000000"));
    assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(60));
  }

  @Test
  void fiftyThousandHashesAreComparedInBoundedTimeAndPlantedCopiesFound() {
    Random random = new Random(3);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 50_000; i++) {
      Fingerprint print = new Fingerprint(random.nextLong(), Prints.thumbnail(random));
      rows.add(row("a%05d".formatted(i), print));
      if (i % 1000 == 0) {
        rows.add(row("b%05d".formatted(i), Prints.varied(random, print, 8, 2)));
      }
    }
    long started = System.nanoTime();
    Map<String, String> groups = groups(spark.createDataFrame(rows, PICTURES).repartition(4), 8);
    assertThat(groups).hasSize(100).containsEntry("b49000", "a49000");
    assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(90));
  }

  @Test
  void distancesThatCannotBeAskedForAreRefused() {
    Dataset<Row> none = spark.createDataFrame(List.of(), PICTURES);
    assertThatThrownBy(() -> NearDuplicates.groups(none, 9))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("max_distance=9, expected 0 to 8");
    assertThat(groups(none, 8)).isEmpty();
  }
}

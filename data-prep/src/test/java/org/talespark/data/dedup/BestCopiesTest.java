package org.talespark.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class BestCopiesTest {
  private static final StructType MEMBERS =
      new StructType()
          .add("id", "string")
          .add("group", "string")
          .add("place", "int")
          .add("fixed", "boolean")
          .add("phash", "long")
          .add("thumbnail", "binary");
  private static final byte[] PLAIN = new byte[Fingerprint.THUMBNAIL_BYTES];

  private static SparkSession spark;

  @BeforeAll
  static void startSpark() {
    spark = LocalSpark.open("best-copies-test");
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  private static Map<String, String> copies(int maxDistance, List<Row> members) {
    Map<String, String> copies = new HashMap<>();
    for (Row row :
        BestCopies.of(spark.createDataFrame(members, MEMBERS), maxDistance).collectAsList()) {
      copies.put(row.getString(0), row.getString(1));
    }
    return copies;
  }

  private static Row member(String id, int place, boolean fixed, long phash) {
    return RowFactory.create(id, "g", place, fixed, phash, PLAIN);
  }

  @Test
  void theFarEndOfAChainIsNoCopyOfTheBest() {
    List<Row> chain =
        List.of(
            member("a", 1, false, 0b0000),
            member("b", 2, false, 0b0011),
            member("c", 3, false, 0b1111));
    assertThat(copies(2, chain)).isEqualTo(Map.of("b", "a"));
    List<Row> middleFirst =
        List.of(
            member("b", 1, false, 0b0011),
            member("a", 2, false, 0b0000),
            member("c", 3, false, 0b1111));
    assertThat(copies(2, middleFirst)).isEqualTo(Map.of("a", "b", "c", "b"));
  }

  @Test
  void aFixedPictureIsKeptAndOthersAreItsCopies() {
    List<Row> members =
        List.of(member("old", 1, true, 0), member("older", 2, true, 1), member("new", 3, false, 1));
    assertThat(copies(1, members)).isEqualTo(Map.of("new", "old"));
  }

  @Test
  void everyCopyIsNearWhatIsKeptAndNoTwoKeptOnesAreNear() {
    Random random = new Random(4);
    List<Fingerprint> prints = Prints.clustered(random, 200, 8);
    int maxDistance = 5;
    int[] components = Prints.components(prints, maxDistance);
    List<Row> members = new ArrayList<>();
    for (int i = 0; i < prints.size(); i++) {
      Fingerprint print = prints.get(i);
      members.add(
          RowFactory.create(
              "" + i, "g" + components[i], i, false, print.phash(), print.thumbnail()));
    }
    Collections.shuffle(members, random);
    Map<String, String> copies = copies(maxDistance, members);
    assertThat(copies).isNotEmpty();
    copies.forEach(
        (copy, kept) -> {
          assertThat(copies).doesNotContainKey(kept);
          assertThat(print(prints, copy).near(print(prints, kept), maxDistance)).isTrue();
        });
    for (int i = 0; i < prints.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (!copies.containsKey("" + i) && !copies.containsKey("" + j)) {
          assertThat(prints.get(i).near(prints.get(j), maxDistance)).isFalse();
        }
      }
    }
  }

  private static Fingerprint print(List<Fingerprint> prints, String id) {
    return prints.get(Integer.parseInt(id));
  }
}

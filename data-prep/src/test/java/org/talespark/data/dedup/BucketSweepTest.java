package org.talespark.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

class BucketSweepTest {

  @Property(tries = 300)
  void theSweepConnectsExactlyWhatComparingAllPairsConnects(
      @ForAll long seed,
      @ForAll @IntRange(max = Bands.MOST_DISTANCE) int maxDistance,
      @ForAll @IntRange(max = 120) int pictures) {
    List<Fingerprint> prints = Prints.clustered(new Random(seed), pictures, 2 * maxDistance + 1);
    int[] expected = Prints.components(prints, maxDistance);
    int[] found = new int[pictures];
    for (int i = 0; i < pictures; i++) {
      found[i] = i;
    }
    BucketSweep sweep = new BucketSweep(rows(prints, maxDistance + 1).iterator(), maxDistance);
    while (sweep.hasNext()) {
      Row pair = sweep.next();
      int a = Integer.parseInt(pair.getString(0));
      int b = Integer.parseInt(pair.getString(1));
      assertThat(prints.get(a).near(prints.get(b), maxDistance)).isTrue();
      Prints.join(found, a, b);
    }
    assertThat(found).isEqualTo(expected);
  }

  private static List<Row> rows(List<Fingerprint> prints, int bands) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < prints.size(); i++) {
      byte[] thumbnail = prints.get(i).thumbnail();
      for (int band = 0; band < bands; band++) {
        long bits = Bands.bits(prints.get(i).phash(), band, bands);
        int light = Thumbnails.sum(thumbnail);
        rows.add(RowFactory.create(band, bits, light, "" + i, prints.get(i).phash(), thumbnail));
      }
    }
    rows.sort(
        Comparator.comparingInt((Row row) -> row.getInt(0))
            .thenComparingLong(row -> row.getLong(1))
            .thenComparingInt(row -> row.getInt(2)));
    return rows;
  }

  @Property(tries = 500)
  void hashesWithinTheDistanceShareABand(
      @ForAll long hash,
      @ForAll @IntRange(max = Bands.MOST_DISTANCE) int distance,
      @ForAll long seed) {
    Random random = new Random(seed);
    long other = hash;
    for (int i = 0; i < distance; i++) {
      other ^= 1L << random.nextInt(64);
    }
    long all = 0;
    for (int band = 0; band <= distance; band++) {
      all ^= Bands.bits(-1L, band, distance + 1);
    }
    assertThat(all).as("bands cover all bits once").isEqualTo(-1L);
    assertThat(Bands.firstCommon(hash, other, distance + 1)).isNotNegative();
  }
}

package org.talespark.zoo.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class BlockSearchTest {

  /** Every row with every query, in double. */
  private static List<List<Hit>> bruteForce(float[][] queries, float[][] rows, int most) {
    List<List<Hit>> found = new ArrayList<>();
    for (float[] query : queries) {
      List<Hit> all = new ArrayList<>();
      for (int r = 0; r < rows.length; r++) {
        double sum = 0;
        for (int p = 0; p < query.length; p++) {
          sum += (double) query[p] * rows[r][p];
        }
        all.add(new Hit(r, sum));
      }
      all.sort(
          (a, b) ->
              a.score() == b.score()
                  ? Long.compare(a.row(), b.row())
                  : Double.compare(b.score(), a.score()));
      found.add(all.subList(0, Math.min(most, all.size())));
    }
    return found;
  }

  /** The same by blocks of some rows, in a random order. */
  private static List<List<Hit>> search(
      float[][] queries, float[][] rows, int most, int block, Random random) {
    List<Integer> starts = new ArrayList<>();
    for (int from = 0; from < rows.length; from += block) {
      starts.add(from);
    }
    Collections.shuffle(starts, random);
    try (BlockSearch search = new BlockSearch(queries, most);
        INDArray all = Nd4j.createFromArray(rows)) {
      for (int from : starts) {
        int to = Math.min(rows.length, from + block);
        search.look(RowBlock.of(all.get(NDArrayIndex.interval(from, to)), from));
      }
      return search.hits();
    }
  }

  private static float[][] rows(Random random, int count, int width, int values) {
    float[][] rows = new float[count][width];
    for (float[] row : rows) {
      for (int p = 0; p < width; p++) {
        row[p] = values == 0 ? (float) random.nextGaussian() : random.nextInt(values) - values / 2;
      }
    }
    return rows;
  }

  @Property(tries = 150)
  void whatIsFoundIsWhatBruteForceFindsAlsoAmongTies(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 70) int count,
      @ForAll @IntRange(min = 1, max = 9) int width,
      @ForAll @IntRange(min = 1, max = 5) int queries,
      @ForAll @IntRange(min = 1, max = 12) int most,
      @ForAll @IntRange(min = 1, max = 30) int block,
      @ForAll @IntRange(min = 0, max = 3) int values) {
    Random random = new Random(seed);
    float[][] rows = rows(random, count, width, values);
    float[][] wanted = rows(random, queries, width, values);
    assertThat(search(wanted, rows, most, block, random)).isEqualTo(bruteForce(wanted, rows, most));
  }

  @Property(tries = 20)
  void rowsThatDifferByLessThanTheProductsErrorAreToldApart(@ForAll long seed) {
    Random random = new Random(seed);
    int width = 300;
    float[] one = rows(random, 1, width, 0)[0];
    float[][] rows = new float[200][];
    for (int r = 0; r < rows.length; r++) { // one number moved by a unit in its last place
      rows[r] = one.clone();
      int at = random.nextInt(width);
      rows[r][at] = random.nextBoolean() ? Math.nextUp(rows[r][at]) : Math.nextDown(rows[r][at]);
    }
    float[][] wanted = rows(random, 2, width, 0);
    assertThat(search(wanted, rows, 20, 64, random)).isEqualTo(bruteForce(wanted, rows, 20));
  }

  @Example
  void moreQueriesThanAreMultipliedAtATime() {
    Random random = new Random(3);
    float[][] rows = rows(random, 500, 16, 0);
    float[][] wanted = rows(random, 600, 16, 0);
    assertThat(search(wanted, rows, 3, 128, random)).isEqualTo(bruteForce(wanted, rows, 3));
  }

  @Example
  void partsThatWereSearchedApartArePutTogether() {
    Random random = new Random(4);
    float[][] rows = rows(random, 90, 4, 3);
    float[][] wanted = rows(random, 1, 4, 3);
    List<Hit> hits = new ArrayList<>();
    try (INDArray all = Nd4j.createFromArray(rows)) {
      for (int from = 0; from < rows.length; from += 30) {
        try (BlockSearch search = new BlockSearch(wanted, 7)) {
          search.look(RowBlock.of(all.get(NDArrayIndex.interval(from, from + 30)), from));
          hits.addAll(search.hits().get(0));
        }
      }
    }
    assertThat(Hit.best(hits, 7)).isEqualTo(bruteForce(wanted, rows, 7).get(0));
  }

  @Example
  void numbersThatCannotBeComparedAreRefused() {
    try (BlockSearch search = new BlockSearch(new float[][] {{1, 2}}, 3)) {
      assertThatThrownBy(() -> search.look(RowBlock.of(Nd4j.zeros(DataType.FLOAT, 4, 3), 0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("rows have width=3, expected 2");
    }
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 1e30f}) {
      INDArray rows = Nd4j.createFromArray(new float[][] {{1, 2}, {3, bad}});
      assertThatThrownBy(() -> RowBlock.of(rows, 40))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("row=41");
      assertThatThrownBy(() -> new BlockSearch(new float[][] {{0, 1}, {bad, 1}}, 3))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("query=1");
    }
    assertThatThrownBy(() -> RowBlock.of(Nd4j.zeros(DataType.DOUBLE, 4, 3), 0))
        .hasMessageContaining("expected float32 [rows, width]");
    assertThatThrownBy(() -> new BlockSearch(new float[][] {{1, 2}, {1}}, 3))
        .hasMessageContaining("query=1 width=1, expected 2");
    assertThatThrownBy(() -> new BlockSearch(new float[0][], 3)).hasMessageContaining("queries=0");
  }

  @Example
  void ofEqualScoresTheLowerRowIsFirst() {
    float[][] rows = new float[50][];
    Arrays.fill(rows, new float[] {1, 1});
    assertThat(search(new float[][] {{1, 0}}, rows, 4, 8, new Random(1)).get(0))
        .extracting(Hit::row)
        .containsExactly(0L, 1L, 2L, 3L);
  }
}

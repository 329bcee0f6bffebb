package org.talespark.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ConnectedComponentsTest {

  private static SparkSession spark;

  @BeforeAll
  static void startSpark() {
    spark = LocalSpark.open("components-test");
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  private static Row edge(String a, String b) {
    return RowFactory.create(a, b);
  }

  private static ConnectedComponents.Result run(List<Row> edges, int partitions) {
    return ConnectedComponents.of(
        spark.createDataFrame(edges, ConnectedComponents.PAIRS).repartition(partitions));
  }

  private static Map<String, String> members(ConnectedComponents.Result result) {
    Map<String, String> members = new TreeMap<>();
    for (Row row : result.table().collectAsList()) {
      assertThat(members.put(row.getString(0), row.getString(1))).as(row.toString()).isNull();
    }
    return members;
  }

  private static Map<String, String> unionFind(List<Row> edges) {
    Map<String, String> parents = new HashMap<>();
    for (Row edge : edges) {
      String a = root(parents, edge.getString(0));
      String b = root(parents, edge.getString(1));
      if (!a.equals(b)) {
        parents.put(Star.compare(a, b) < 0 ? b : a, Star.compare(a, b) < 0 ? a : b);
      }
    }
    Map<String, String> members = new TreeMap<>();
    parents.keySet().forEach(node -> members.put(node, root(parents, node)));
    return members;
  }

  private static String root(Map<String, String> parents, String node) {
    String at = node;
    while (!parents.computeIfAbsent(at, n -> n).equals(at)) {
      at = parents.get(at);
    }
    return at;
  }

  @Test
  void aLongChainTakesFewRoundsAndPlansDoNotGrowWithThem() {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(5));
    List<Row> chain = new ArrayList<>();
    for (int i = 1; i < order.size(); i++) {
      chain.add(edge("n%05d".formatted(order.get(i - 1)), "n%05d".formatted(order.get(i))));
    }
    ConnectedComponents.Result result = run(chain, 3);
    assertThat(result.rounds()).isBetween(4, 14);
    assertThat(result.table().queryExecution().logical().toString().lines().count())
        .as("lines of the plan after so many rounds")
        .isLessThan(12);
    Map<String, String> members = members(result);
    assertThat(members).hasSize(3000);
    assertThat(new HashSet<>(members.values())).containsExactly("n00000");
  }

  @Test
  void bigStarsTakeAFewRoundsWhateverTheirCentre() {
    List<Row> edges = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      edges.add(edge("m", "%s%05d".formatted(i % 2 == 0 ? "a" : "z", i)));
      edges.add(edge("y%05d".formatted(i), "x"));
    }
    ConnectedComponents.Result result = run(edges, 2);
    assertThat(result.rounds()).isLessThanOrEqualTo(4);
    Map<String, String> members = members(result);
    assertThat(members).hasSize(10_002).containsEntry("z04999", "a00000");
    assertThat(members).containsEntry("y00007", "x").containsEntry("m", "a00000");
  }

  @Test
  void randomGraphsAreConnectedAsByUnionFindWhateverThePartitions() {
    Random random = new Random(1);
    int nodes = 2000;
    List<Row> edges = new ArrayList<>();
    for (int i = 0; i < nodes * 6 / 10; i++) {
      String a = name(random.nextInt(nodes));
      String b = name(random.nextInt(nodes));
      edges.add(edge(a, b));
      edges.add(edge(b, a));
    }
    Map<String, String> expected = unionFind(edges);
    expected.keySet().removeIf(n -> edges.stream().noneMatch(e -> joins(e, n)));
    assertThat(members(run(edges, 1))).isEqualTo(expected);
    Collections.shuffle(edges, random);
    assertThat(members(run(edges, 5))).isEqualTo(expected);
  }

  private static boolean joins(Row edge, String node) {
    return !edge.getString(0).equals(edge.getString(1))
        && (edge.getString(0).equals(node) || edge.getString(1).equals(node));
  }

  /** Also names whose order by UTF-16 differs from that by UTF-8. */
  private static String name(int node) {
    return switch (node % 3) {
      case 0 -> "\uFF21" + node;
      case 1 -> "\uD83D\uDE00" + node;
      default -> "n" + node;
    };
  }

  @Test
  void noEdgesMeansNoMembers() {
    assertThat(members(run(List.of(), 1))).isEmpty();
    assertThat(members(run(List.of(edge("a", "a")), 1))).isEmpty();
  }
}

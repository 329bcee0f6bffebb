package org.talespark.jobs.train;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import scala.Tuple2;

/**
 * The mean of the replicas' deltas.
 *
 * @param parts as in {@link ReplicaState#delta}
 * @param steps that the deltas are of
 */
record DeltaMean(List<byte[]> parts, int steps) implements Serializable {
  /** So many deltas are added in one place; more meet in a tree. */
  private static final int FAN_IN = 8;

  /** A part of the delta of one replica, or of the sum of a group of neighbours. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Piece(int part, int group, byte[] bytes) implements Serializable {}

  /**
   * Averages on the cluster. Every sum is made in double precision in the order of ranks, so that
   * the result does not depend on which task ends first.
   *
   * @param replicas one a partition, in the order of ranks
   */
  static DeltaMean of(
      JavaRDD<ReplicaState> replicas,
      int workers,
      ReplicaState.Report report,
      DeltaWire wire,
      boolean single,
      int steps) {
    JavaRDD<Piece> pieces = replicas.flatMap(replica -> pieces(replica).iterator());
    for (int groups = workers; groups > FAN_IN; groups = (groups + FAN_IN - 1) / FAN_IN) {
      pieces = joined(pieces, workers, single);
    }
    List<List<Piece>> byPart = new ArrayList<>();
    for (Piece piece : pieces.collect()) {
      while (byPart.size() <= piece.part()) {
        byPart.add(new ArrayList<>());
      }
      byPart.get(piece.part()).add(piece);
    }
    List<byte[]> parts = new ArrayList<>();
    for (int part = 0; part < byPart.size(); part++) {
      double[] mean = sum(byPart.get(part));
      for (int i = 0; i < mean.length; i++) {
        mean[i] /= workers;
      }
      DeltaWire as = part < report.parameterParts() ? wire : DeltaWire.FULL;
      parts.add(as.encode(mean, single));
    }
    return new DeltaMean(parts, steps);
  }

  private static List<Piece> pieces(ReplicaState replica) {
    List<Piece> pieces = new ArrayList<>();
    for (int part = 0; part < replica.delta().size(); part++) {
      pieces.add(new Piece(part, replica.rank(), replica.delta().get(part)));
    }
    return pieces;
  }

  /** One level of the tree: groups of neighbours become one. */
  private static JavaRDD<Piece> joined(JavaRDD<Piece> pieces, int partitions, boolean single) {
    JavaPairRDD<Tuple2<Integer, Integer>, Piece> keyed =
        pieces.mapToPair(
            piece -> new Tuple2<>(new Tuple2<>(piece.part(), piece.group() / FAN_IN), piece));
    return keyed
        .groupByKey(partitions)
        .map(
            group -> {
              List<Piece> members = new ArrayList<>();
              group._2().forEach(members::add);
              return new Piece(
                  group._1()._1(), group._1()._2(), DeltaWire.FULL.encode(sum(members), single));
            });
  }

  private static double[] sum(List<Piece> members) {
    members.sort(Comparator.comparingInt(Piece::group));
    double[] sum = DeltaWire.decode(members.get(0).bytes());
    for (Piece member : members.subList(1, members.size())) {
      double[] values = DeltaWire.decode(member.bytes());
      for (int i = 0; i < sum.length; i++) {
        sum[i] += values[i];
      }
    }
    return sum;
  }

  /** Bytes of all parts. */
  static long bytes(List<byte[]> parts) {
    return parts.stream().mapToLong(part -> part.length).sum();
  }
}

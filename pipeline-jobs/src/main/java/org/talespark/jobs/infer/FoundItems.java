package org.talespark.jobs.infer;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.BadInputException;
import org.talespark.data.image.Images;
import org.talespark.data.image.PictureException;
import org.talespark.data.image.Pixels;
import org.talespark.jobs.infer.EmbeddingSet.Kind;

/** Fetches the pictures and texts behind some rows, small, for a page; as a Spark job. */
final class FoundItems {
  /** Pixels a side of a small picture. */
  private static final int SIDE = 128;

  /**
   * What stands behind a row.
   *
   * @param png a small picture, or null
   * @param text or null
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Found(long row, String key, byte[] png, String text) implements Serializable {}

  /** Rows that one piece has, by their place among its rows of the kind. */
  private record Work(ItemSource source, TreeMap<Integer, Long> rows) implements Serializable {}

  private FoundItems() {}

  /**
   * Fetches.
   *
   * @param sources that the rows were made of
   * @param keys of the wanted rows
   * @return by row
   * @throws BadInputException when the sources are not what they were
   */
  static Map<Long, Found> fetch(
      JavaSparkContext context,
      Configuration hadoop,
      List<ItemSource> sources,
      Kind kind,
      Map<Long, String> keys) {
    List<Work> work = work(sources, kind, keys);
    if (work.isEmpty()) {
      return Map.of();
    }
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    List<Found> found =
        context
            .parallelize(work, Embedding.partitions(context, work.size()))
            .mapPartitions(part -> fetch(part, kind, conf.value().value()))
            .collect();
    Map<Long, Found> byRow = new HashMap<>();
    for (Found each : found) {
      if (!each.key().equals(keys.get(each.row()))) {
        throw new BadInputException(
            "Cannot show what was found: row=%d key=%s, expected key=%s as it was when it was embedded; try `talespark infer embed` again"
                .formatted(each.row(), each.key(), keys.get(each.row())));
      }
      byRow.put(each.row(), each);
    }
    return byRow;
  }

  private static List<Work> work(List<ItemSource> sources, Kind kind, Map<Long, String> keys) {
    List<Work> work = new ArrayList<>();
    TreeSet<Long> wanted = new TreeSet<>(keys.keySet());
    long first = 0;
    for (ItemSource source : sources) {
      int count = kind == Kind.IMAGE ? source.images() : source.texts();
      TreeMap<Integer, Long> rows = new TreeMap<>();
      for (long row : wanted.subSet(first, first + count)) {
        rows.put((int) (row - first), row);
      }
      if (!rows.isEmpty()) {
        work.add(new Work(source, rows));
      }
      first += count;
    }
    return work;
  }

  private static Iterator<Found> fetch(Iterator<Work> pieces, Kind kind, Configuration hadoop)
      throws IOException {
    List<Found> found = new ArrayList<>();
    while (pieces.hasNext()) {
      Work work = pieces.next();
      SortedMap<Integer, Long> rows = work.rows();
      int[] place = {0};
      work.source()
          .forEach(
              hadoop,
              item -> {
                boolean counts = kind == Kind.IMAGE ? item.image() != null : item.text() != null;
                Long row = counts ? rows.get(place[0]++) : null;
                if (row != null) {
                  byte[] png = item.image() == null ? null : small(item.image(), item.key());
                  found.add(new Found(row, item.key(), png, item.text()));
                }
              });
    }
    return found.iterator();
  }

  /** The middle square of a picture, scaled down where it is larger, as a PNG file. */
  static byte[] small(byte[] file, String key) {
    try {
      Pixels whole = Images.decode(file);
      int side = Math.min(whole.width(), whole.height());
      return Images.encodePng(
          Images.part(
              whole,
              (whole.width() - side) / 2,
              (whole.height() - side) / 2,
              side,
              side,
              Math.min(side, SIDE)));
    } catch (PictureException e) {
      throw new BadInputException(
          "Cannot show picture: picture=%s reason=%s".formatted(key, e.reason().id()), e);
    }
  }
}

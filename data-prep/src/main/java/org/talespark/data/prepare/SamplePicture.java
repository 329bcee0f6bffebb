package org.talespark.data.prepare;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.ImageDecoder;
import org.talespark.data.image.Images;
import org.talespark.data.image.Resize;

/** A picture of a dataset as a small PNG file, at most 128 pixels a side. */
@SuppressWarnings("ArrayRecordComponent") // a file's bytes, compared by nobody
public record SamplePicture(String key, String caption, byte[] png) implements Serializable {

  private static final int MOST_SIDE = 128;

  private record Wanted(Shard shard, Set<String> keys) implements Serializable {}

  /** Reads the pictures of rows {@code (shard, key)} on the executors, in the order of the rows. */
  static List<SamplePicture> read(SparkSession spark, Dataset dataset, List<Row> rows) {
    Map<String, Set<String>> keys = new HashMap<>();
    rows.forEach(
        row ->
            keys.computeIfAbsent(dataset.uri() + "/" + row.getString(0), s -> new HashSet<>())
                .add(row.getString(1)));
    List<Wanted> wanted = new ArrayList<>();
    for (Split split : Split.values()) {
      for (Shard shard : dataset.shards(split)) {
        if (keys.containsKey(shard.uri())) {
          wanted.add(new Wanted(shard, keys.get(shard.uri())));
        }
      }
    }
    if (wanted.isEmpty()) {
      return List.of();
    }
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> hadoop =
        context.broadcast(new SerializableConfiguration(spark.sessionState().newHadoopConf()));
    try {
      Map<String, SamplePicture> found = new HashMap<>();
      context
          .parallelize(wanted, wanted.size())
          .flatMap(shard -> find(shard, hadoop.value().value()))
          .collect()
          .forEach(picture -> found.put(picture.key(), picture));
      return rows.stream()
          .map(row -> found.get(row.getString(1)))
          .filter(Objects::nonNull)
          .toList();
    } finally {
      hadoop.destroy();
    }
  }

  private static Iterator<SamplePicture> find(Wanted wanted, Configuration hadoop) {
    List<SamplePicture> found = new ArrayList<>();
    try (ShardReader reader = wanted.shard().open(hadoop)) {
      while (found.size() < wanted.keys().size() && reader.hasNext()) {
        Sample sample = reader.next();
        if (wanted.keys().contains(sample.key())) {
          found.add(new SamplePicture(sample.key(), sample.caption(), small(sample.image())));
        }
      }
    }
    return found.iterator();
  }

  private static byte[] small(byte[] file) {
    ImageDecoder decoder = new ImageDecoder(ImageDecoder.Limits.defaults());
    return Images.encodePng(
        decoder.decode(file, new Resize(Resize.Mode.KEEP_RATIO, MOST_SIDE)).pixels());
  }
}

package org.talespark.jobs.evaluate;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;

/** The pictures of a split, each under its number in the order of the manifest. */
final class RealPictures {

  /** Every {@code of}-th sample of a shard from {@code from}, numbered from {@code first}. */
  private record Slice(Shard shard, int first, int from, int of, int most)
      implements Serializable {}

  private RealPictures() {}

  /**
   * Describes the work; Spark does it when the pictures are used.
   *
   * @param size pixels a side
   * @param most only so many, the first ones
   */
  static JavaRDD<Painted> of(
      JavaSparkContext context,
      Broadcast<SerializableConfiguration> hadoop,
      Dataset dataset,
      Split split,
      int size,
      long most) {
    List<Shard> shards = dataset.shards(split);
    int parts = Math.max(1, context.defaultParallelism());
    int each = Math.max(1, (parts + shards.size() - 1) / Math.max(1, shards.size()));
    int limit = (int) Math.min(Integer.MAX_VALUE, most);
    List<Slice> slices = new ArrayList<>();
    int first = 0;
    for (Shard shard : shards) {
      for (int from = 0; from < each && first < limit; from++) {
        slices.add(new Slice(shard, first, from, each, limit));
      }
      first = Math.addExact(first, Math.toIntExact(shard.samples()));
    }
    return context
        .parallelize(slices, Math.max(1, slices.size()))
        .mapPartitions(part -> new Pictures(part, size, hadoop.value().value()));
  }

  /** The pictures of some slices, one at a time. */
  private static final class Pictures implements Iterator<Painted> {
    private final Iterator<Slice> slices;
    private final int size;
    private final Configuration hadoop;
    private Slice slice;
    private ShardReader reader;
    private int at; // of the next sample in the slice's shard
    private Painted next;

    Pictures(Iterator<Slice> slices, int size, Configuration hadoop) {
      this.slices = slices;
      this.size = size;
      this.hadoop = hadoop;
      TaskCompletionListener closing = task -> close();
      TaskContext.get().addTaskCompletionListener(closing);
    }

    @Override
    public boolean hasNext() {
      while (next == null && (reader != null || slices.hasNext())) {
        if (reader == null) {
          slice = slices.next();
          reader = slice.shard().open(hadoop);
          at = 0;
        }
        if (!reader.hasNext() || slice.first() + at >= slice.most()) {
          close();
        } else {
          Sample sample = reader.next();
          int number = at++;
          if (number % slice.of() == slice.from()) {
            next =
                new Painted(
                    slice.first() + number,
                    sample.caption(),
                    Images.decodePlanar(sample.image(), size));
          }
        }
      }
      return next != null;
    }

    @Override
    public Painted next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Painted picture = next;
      next = null;
      return picture;
    }

    private void close() {
      if (reader != null) {
        reader.close();
        reader = null;
      }
    }
  }
}

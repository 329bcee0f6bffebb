package org.talespark.jobs.infer;

import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.data.BadInputException;
import org.talespark.zoo.runtime.NativeMemory;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.search.BlockSearch;
import org.talespark.zoo.search.Hit;
import org.talespark.zoo.search.RowBlock;

/**
 * The rows of a file that are most similar to some queries, as a Spark job: each task reads a part
 * of the rows, a block at a time, and compares it with all queries ({@link BlockSearch}). Every row
 * is read once, and what is found does not depend on the number of tasks.
 */
final class RowSearch {
  private static final int BUFFER = 1 << 18;

  /** Some of the rows. */
  private record Range(long from, long to) implements Serializable {}

  private RowSearch() {}

  /**
   * Searches.
   *
   * @param queries [Q][P]
   * @param most rows that are wanted for each
   * @param counter is told each row
   * @return for each query in order, the best first; of equal scores the lower row
   */
  static List<List<Hit>> run(
      JavaSparkContext context,
      Configuration hadoop,
      EmbeddingSet.Rows rows,
      float[][] queries,
      int most,
      LongAccumulator counter) {
    int blocks = (int) Math.min(Integer.MAX_VALUE, 1 + (rows.count() - 1) / BlockSearch.ROWS);
    int parts = Embedding.partitions(context, blocks);
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      ranges.add(new Range(rows.count() * i / parts, rows.count() * (i + 1) / parts));
    }
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    Broadcast<float[][]> wanted = context.broadcast(queries);
    List<List<List<Hit>>> found =
        context
            .parallelize(ranges, parts)
            .mapPartitions(
                part -> search(part, rows, wanted.value(), most, counter, conf.value().value()))
            .collect();
    wanted.unpersist();
    List<List<Hit>> best = new ArrayList<>();
    for (int q = 0; q < queries.length; q++) {
      int query = q;
      best.add(Hit.best(found.stream().flatMap(part -> part.get(query).stream()).toList(), most));
    }
    return best;
  }

  /** What a task does. */
  private static Iterator<List<List<Hit>>> search(
      Iterator<Range> ranges,
      EmbeddingSet.Rows rows,
      float[][] queries,
      int most,
      LongAccumulator counter,
      Configuration hadoop)
      throws IOException {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(TaskContext.get().cpus()));
    Path file = new Path(rows.uri());
    try (BlockSearch search = new BlockSearch(queries, most);
        FSDataInputStream in = file.getFileSystem(hadoop).open(file)) {
      byte[] buffer = new byte[BUFFER];
      while (ranges.hasNext()) {
        Range range = ranges.next();
        for (long from = range.from(); from < range.to(); from += BlockSearch.ROWS) {
          int count = (int) Math.min(BlockSearch.ROWS, range.to() - from);
          try (INDArray block =
              Nd4j.createUninitialized(DataType.FLOAT, new long[] {count, rows.width()}, 'c')) {
            read(in, rows.offset() + from * rows.width() * Float.BYTES, block, buffer);
            search.look(block(rows, block, from));
          }
          counter.add(count);
        }
      }
      // lists of the standard library's streams cannot all be serialized
      List<List<Hit>> hits = new ArrayList<>();
      search.hits().forEach(each -> hits.add(new ArrayList<>(each)));
      return List.of(hits).iterator();
    }
  }

  private static RowBlock block(EmbeddingSet.Rows rows, INDArray block, long first) {
    try {
      return RowBlock.of(block, first);
    } catch (IllegalArgumentException e) {
      throw new BadInputException(
          "Cannot search: file=%s; %s".formatted(rows.uri(), e.getMessage()), e);
    }
  }

  /** Fills an array with the bytes from a place of the file, which are little endian as it is. */
  private static void read(FSDataInputStream in, long position, INDArray array, byte[] buffer)
      throws IOException {
    ByteBuffer target =
        NativeMemory.window(array, 0, Math.toIntExact(NativeMemory.byteCount(array)));
    in.seek(position);
    while (target.hasRemaining()) {
      int length = Math.min(buffer.length, target.remaining());
      in.readFully(buffer, 0, length);
      target.put(buffer, 0, length);
    }
  }
}

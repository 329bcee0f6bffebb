package org.talespark.data.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_set;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.Partitioner;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;
import org.talespark.data.corpus.Candidates;
import org.talespark.data.corpus.Portion;
import org.talespark.data.dataset.Split;
import org.talespark.data.prepare.ExamineTask.Work;
import scala.Tuple2;

/**
 * The Spark jobs of a run. Rows go from stage to stage as Parquet files in the run's working
 * directory, written through Spark's commit protocol, so that a stage sees each row once however
 * often tasks ran; pictures wait in spill files to which committed rows point. Only counts, and one
 * line for each written file, come to the driver.
 */
final class Stages implements AutoCloseable {

  /** Descriptions of the jobs that take long, and what to call them. */
  static final Map<String, String> WORKS =
      Map.of("prepare: examine inputs", "examine", "prepare: write shards", "shards");

  private static final int ROWS_AN_INDEX_FILE = 250_000;

  /** Small row groups keep the memory of tasks small. */
  private static final long ROW_GROUP_BYTES = 16L << 20;

  private static final StructType SOURCES =
      new StructType().add("portion", DataTypes.IntegerType).add("source", DataTypes.StringType);

  private final SparkSession spark;
  private final JavaSparkContext context;
  private final Broadcast<SerializableConfiguration> conf;
  private final Path staging;
  private final PrepareConfig config;
  private final int tasks;
  private final Milestone milestone;

  /**
   * Prepares to run.
   *
   * @param tasks of the first stage; 0 for as many as the input asks for
   */
  Stages(
      SparkSession spark,
      Configuration hadoop,
      Path staging,
      PrepareConfig config,
      int tasks,
      Milestone milestone) {
    this.spark = spark;
    this.context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    this.conf = context.broadcast(new SerializableConfiguration(hadoop));
    this.staging = staging;
    this.config = config;
    this.tasks = tasks;
    this.milestone = milestone;
  }

  @Override
  public void close() {
    conf.destroy();
  }

  /** All of the portions as work. */
  JavaRDD<Work> all(List<Portion> portions) {
    List<Work> work = new ArrayList<>(portions.size());
    for (int i = 0; i < portions.size(); i++) {
      work.add(new Work(i, portions.get(i), null));
    }
    return context.parallelize(work, slices(portions.size()));
  }

  /** What of the portions is not yet among the sources of an index; empty when nothing is. */
  JavaRDD<Work> unknown(List<Portion> portions, Dataset<Row> index) {
    JavaRDD<Work> all = all(portions);
    Broadcast<SerializableConfiguration> hadoop = conf;
    JavaRDD<Row> sources = all.flatMap(work -> sources(work, hadoop.value().value()));
    Dataset<Row> unknown =
        spark
            .createDataFrame(sources, SOURCES)
            .join(index.select("source"), new String[] {"source"}, "left_anti");
    Dataset<Row> kept =
        keep("sources", unknown.groupBy("portion").agg(collect_set("source").alias("sources")));
    if (kept.isEmpty()) {
      return context.emptyRDD();
    }
    return all.mapToPair(work -> new Tuple2<>(work.number(), work.portion()))
        .join(
            kept.toJavaRDD()
                .mapToPair(
                    row -> new Tuple2<>(row.getInt(0), new HashSet<>(row.<String>getList(1)))),
            slices(portions.size()))
        .map(found -> new Work(found._1(), found._2()._1(), found._2()._2()));
  }

  private static Iterator<Row> sources(Work work, Configuration hadoop) throws IOException {
    List<Row> rows = new ArrayList<>();
    try (Candidates candidates = work.portion().open(hadoop)) {
      candidates.forEachRemaining(c -> rows.add(RowFactory.create(work.number(), c.source())));
    }
    return rows.iterator();
  }

  private int slices(int portions) {
    return Math.max(1, tasks > 0 ? Math.min(tasks, portions) : portions);
  }

  /** The first stage: {@link ExaminedRow#SCHEMA}. */
  Dataset<Row> examine(JavaRDD<Work> work) {
    ExamineTask task = new ExamineTask(config, spillFolder(), milestone);
    Broadcast<SerializableConfiguration> hadoop = conf;
    JavaRDD<Row> rows =
        work.mapPartitions(
            portions -> {
              ExamineTask.Rows made = task.run(portions, attempt(), hadoop.value().value());
              TaskContext.get()
                  .addTaskCompletionListener((TaskCompletionListener) ended -> close(made));
              return made;
            });
    return described(
        "prepare: examine inputs",
        () -> keep("examined", spark.createDataFrame(rows, ExaminedRow.SCHEMA)));
  }

  private static void close(ExamineTask.Rows rows) {
    try {
      rows.close();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot close spill file", e);
    }
  }

  private String spillFolder() {
    return new Path(staging, "spill").toString();
  }

  /** The second stage; see {@link Judge#verdicts}. */
  Dataset<Row> judge(
      Dataset<Row> examined, Optional<Dataset<Row>> blocked, Optional<Dataset<Row>> known) {
    return described(
        "prepare: find keys and duplicates",
        () -> keep("verdicts", new Judge(config, this::keep).verdicts(examined, blocked, known)));
  }

  /** The third stage; see {@link Order#of}. */
  Dataset<Row> order(Dataset<Row> examined, Dataset<Row> verdicts) {
    return described(
        "prepare: put rows in order",
        () -> keep("ordered", Order.of(spark, examined, verdicts, config)));
  }

  /**
   * Counts rows.
   *
   * @param samples accepted rows by split
   * @param reasons rejected rows by reason
   */
  record Counts(Map<Split, Long> samples, Map<String, Long> reasons) {

    long accepted() {
      return samples.values().stream().mapToLong(Long::longValue).sum();
    }

    long rejected() {
      return reasons.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  Counts count(Dataset<Row> ordered) {
    Map<Split, Long> samples = new EnumMap<>(Split.class);
    Map<String, Long> reasons = new HashMap<>();
    List<Row> rows =
        described(
            "prepare: count rows",
            () -> ordered.groupBy("split", "reason").count().collectAsList());
    for (Row row : rows) {
      if (row.isNullAt(1)) {
        samples.put(Split.of(row.getString(0)), row.getLong(2));
      } else {
        reasons.put(row.getString(1), row.getLong(2));
      }
    }
    return new Counts(samples, reasons);
  }

  /** Writes the shards of all accepted rows. */
  List<Target.Written> shards(Dataset<Row> ordered, ShardPlan plan, Target target) {
    ShardTask task = new ShardTask(target, spillFolder(), config.imageFormat(), milestone);
    Broadcast<SerializableConfiguration> hadoop = conf;
    return described(
        "prepare: write shards",
        () ->
            ordered
                .where(col("reason").isNull())
                .drop("thumbnail")
                .toJavaRDD()
                .mapToPair(row -> new Tuple2<>(row.<Long>getAs("position"), Piece.of(row)))
                .repartitionAndSortWithinPartitions(new ByFile(plan.shards(), plan::shardOf))
                .mapPartitionsWithIndex(
                    (number, pieces) ->
                        List.of(task.run(number, values(pieces), attempt(), hadoop.value().value()))
                            .iterator(),
                    true)
                .collect());
  }

  /** Writes the index of all rows, in files of about the same length. */
  List<Target.Written> index(
      Dataset<Row> ordered, long rows, ShardPlan plan, Target shards, Target target) {
    int files = Math.toIntExact((rows + ROWS_AN_INDEX_FILE - 1) / ROWS_AN_INDEX_FILE);
    IndexTask task = new IndexTask(target, milestone);
    Broadcast<SerializableConfiguration> hadoop = conf;
    return described(
        "prepare: write index",
        () ->
            ordered
                .toJavaRDD()
                .mapToPair(row -> indexed(row, plan, shards))
                .repartitionAndSortWithinPartitions(
                    new ByFile(files, position -> (int) (position * files / rows)))
                .mapPartitionsWithIndex(
                    (number, found) ->
                        List.of(task.run(number, values(found), attempt(), hadoop.value().value()))
                            .iterator(),
                    true)
                .collect());
  }

  private static Tuple2<Long, IndexRow> indexed(Row row, ShardPlan plan, Target shards) {
    long position = row.getAs("position");
    boolean accepted = row.getAs("reason") == null;
    String shard = accepted ? shards.path(plan.shardOf(position)) : null;
    return new Tuple2<>(position, IndexRow.of(row, shard));
  }

  private static <T> Iterator<T> values(Iterator<Tuple2<Long, T>> pairs) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return pairs.hasNext();
      }

      @Override
      public T next() {
        return pairs.next()._2();
      }
    };
  }

  /** Rows of a file by their position. */
  private static final class ByFile extends Partitioner {

    /** A file's number by a row's position. */
    @FunctionalInterface
    interface Numbers extends java.io.Serializable {
      int of(long position);
    }

    private final int files;
    private final Numbers numbers;

    ByFile(int files, Numbers numbers) {
      this.files = files;
      this.numbers = numbers;
    }

    @Override
    public int numPartitions() {
      return files;
    }

    @Override
    public int getPartition(Object position) {
      return numbers.of((Long) position);
    }
  }

  /** Unique among all attempts of all tasks of this run. */
  private static String attempt() {
    return String.format(Locale.ROOT, "task-%d", TaskContext.get().taskAttemptId());
  }

  /** Writes rows into the working directory and reads them from there. */
  private Dataset<Row> keep(String name, Dataset<Row> rows) {
    String folder = new Path(staging, name).toString();
    rows.write().option("parquet.block.size", ROW_GROUP_BYTES).parquet(folder);
    return spark.read().schema(rows.schema()).parquet(folder);
  }

  /** Runs Spark jobs under a name of their own in the UI, and restores the caller's. */
  private <T> T described(String name, Supplier<T> work) {
    String before = context.getLocalProperty("spark.job.description");
    context.setLocalProperty("spark.job.description", name);
    try {
      return work.get();
    } finally {
      context.setLocalProperty("spark.job.description", before);
    }
  }
}

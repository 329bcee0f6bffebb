package org.talespark.data.prepare;

import static org.apache.spark.sql.functions.col;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.BadInputException;
import org.talespark.data.corpus.Listing;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.DatasetManifest.IndexFile;
import org.talespark.data.dataset.DatasetManifest.ShardEntry;
import org.talespark.data.dataset.Split;
import org.talespark.data.prepare.Milestone.Place;
import org.talespark.data.prepare.Stages.Counts;

/** A run that has something to do: from the listing to the committed manifest. */
record PrepareRun(
    List<String> inputs,
    PrepareConfig config,
    FileSystem fs,
    Path root,
    Configuration hadoop,
    int tasks,
    Milestone milestone) {

  private static final Logger LOG = LoggerFactory.getLogger(PrepareRun.class);

  /**
   * Makes a dataset, or adds to one.
   *
   * @param old the committed dataset, or null
   * @param adds whether new rows go beside those of the old dataset, instead of in their place
   * @return the committed manifest; the old one when there was nothing to add
   */
  DatasetManifest make(
      SparkSession spark, Listing listing, String fingerprint, DatasetManifest old, boolean adds)
      throws IOException {
    Additions additions = adds ? Additions.adding(old) : Additions.replacing(old);
    additions.requireFree(fs, root, adds);
    fs.mkdirs(root);
    Staging staging = Staging.open(fs, root, additions.changes(adds));
    DatasetManifest committed = old;
    try (Stages stages = new Stages(spark, hadoop, staging.folder(), config, tasks, milestone)) {
      milestone.reached(Place.STARTED);
      DatasetManifest base = adds ? old : null;
      DatasetManifest made =
          execute(spark, stages, staging.folder(), additions, listing, fingerprint, base);
      if (made != null) {
        Storage.replace(new Path(root, DatasetManifest.FILE), made.toJson(), hadoop);
        committed = made;
        milestone.reached(Place.COMMITTED);
      }
    } finally {
      staging.close(committed == null ? Set.of() : Set.copyOf(committed.paths()));
    }
    return committed;
  }

  /** The new manifest; null when there is nothing to add to {@code base}. */
  private DatasetManifest execute(
      SparkSession spark,
      Stages stages,
      Path staging,
      Additions additions,
      Listing listing,
      String fingerprint,
      DatasetManifest base)
      throws IOException {
    Optional<Dataset<Row>> index = Optional.ofNullable(base).map(b -> index(spark, b));
    JavaRDD<ExamineTask.Work> work =
        index.isPresent()
            ? stages.unknown(listing.portions(), index.get())
            : stages.all(listing.portions());
    if (base != null && work.getNumPartitions() == 0) {
      return null;
    }
    LOG.info("Examining inputs: portions={}", listing.portions().size());
    Dataset<Row> examined = stages.examine(work);
    milestone.reached(Place.EXAMINED);
    Optional<Dataset<Row>> blocked =
        Optional.ofNullable(config.blocklist()).map(list -> new Blocklist(list).hashes(spark));
    Optional<Dataset<Row>> known =
        index.map(rows -> rows.where(col("status").equalTo(IndexRow.ACCEPTED)));
    Dataset<Row> verdicts = stages.judge(examined, blocked, known);
    milestone.reached(Place.JUDGED);
    Dataset<Row> ordered = stages.order(examined, verdicts);
    milestone.reached(Place.ORDERED);
    Counts counts = stages.count(ordered);
    if (base == null) {
      requireUsable(counts);
    }
    ShardPlan plan = ShardPlan.of(counts.samples(), config.shardSamples());
    LOG.info("Writing shards: shards={} samples={}", plan.shards(), plan.samples());
    Target shardTarget = additions.shards(root, staging);
    List<Target.Written> shards =
        plan.shards() == 0 ? List.of() : stages.shards(ordered, plan, shardTarget);
    milestone.reached(Place.SHARDS_WRITTEN);
    List<Target.Written> files =
        stages.index(
            ordered,
            counts.accepted() + counts.rejected(),
            plan,
            shardTarget,
            additions.index(root, staging));
    milestone.reached(Place.INDEX_WRITTEN);
    return manifest(base, counts, plan, shards, files, fingerprint);
  }

  /** The index of the dataset that is added to. */
  private Dataset<Row> index(SparkSession spark, DatasetManifest base) {
    String[] files =
        base.index().files().stream()
            .map(file -> new Path(root, file.path()).toString())
            .toArray(String[]::new);
    return spark.read().schema(IndexRow.SCHEMA).parquet(files);
  }

  private void requireUsable(Counts counts) {
    if (counts.accepted() == 0) {
      throw new BadInputException(
          "Cannot prepare: input=%s has no usable row (%s), expected pictures with captions"
              .formatted(
                  inputs,
                  counts.reasons().isEmpty()
                      ? "no picture found"
                      : "rejected: " + new TreeMap<>(counts.reasons())));
    }
  }

  private DatasetManifest manifest(
      DatasetManifest base,
      Counts counts,
      ShardPlan plan,
      List<Target.Written> shards,
      List<Target.Written> files,
      String fingerprint) {
    Map<String, Long> status = new HashMap<>();
    status.put(IndexRow.ACCEPTED, counts.accepted());
    status.put(IndexRow.REJECTED, counts.rejected());
    Map<String, Long> splits = new HashMap<>();
    for (Split split : Split.values()) {
      splits.put(split.id(), counts.samples().getOrDefault(split, 0L));
    }
    Map<String, Long> reasons = new HashMap<>(counts.reasons());
    List<ShardEntry> allShards = new ArrayList<>();
    List<IndexFile> allFiles = new ArrayList<>();
    TreeSet<String> sources = new TreeSet<>(inputs);
    if (base != null) {
      add(status, base.status());
      add(splits, base.splits());
      add(reasons, base.reasons());
      allShards.addAll(base.shards());
      allFiles.addAll(base.index().files());
      sources.addAll(base.input().sources());
    }
    for (Target.Written shard : shards) {
      String split = plan.splitOf(shard.number()).id();
      allShards.add(
          new ShardEntry(shard.path(), split, shard.rows(), shard.bytes(), shard.sha256()));
    }
    files.forEach(f -> allFiles.add(new IndexFile(f.path(), f.rows(), f.bytes(), f.sha256())));
    long rows = allFiles.stream().mapToLong(IndexFile::rows).sum();
    return new DatasetManifest(
        DatasetManifest.SCHEMA_VERSION,
        config.toJson(),
        new DatasetManifest.Input(base == null ? inputs : List.copyOf(sources), fingerprint, rows),
        status,
        reasons,
        splits,
        new DatasetManifest.Index(rows, allFiles),
        allShards);
  }

  private static void add(Map<String, Long> to, Map<String, Long> more) {
    more.forEach((key, count) -> to.merge(key, count, Long::sum));
  }
}

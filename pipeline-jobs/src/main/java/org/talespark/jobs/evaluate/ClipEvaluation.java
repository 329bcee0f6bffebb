package org.talespark.jobs.evaluate;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.BadInputException;
import org.talespark.jobs.infer.ClipCheckpoint;
import org.talespark.jobs.infer.Embedding;
import org.talespark.jobs.infer.Item;
import org.talespark.jobs.infer.ItemSource;
import org.talespark.zoo.attributes.Estimate;
import org.talespark.zoo.contrastive.ClipEmbedder;
import org.talespark.zoo.contrastive.Retrieval;
import org.talespark.zoo.contrastive.ZeroShot;

/**
 * What a CLIP knows of a split of a dataset, from its embeddings, as Spark jobs: how well pictures
 * and captions find each other, and how well it tells classes apart that it was never taught.
 */
final class ClipEvaluation {
  private static final String PREFIX = "zero_shot_";
  private static final int GROUPS = 20;

  /** A class's row for each class, with names in the same order. */
  private record Classes(ZeroShotTask task, ArrayList<String> names, ArrayList<float[]> rows)
      implements Serializable {}

  /** Pictures that were classified. */
  private record Counts(long hits, long count) implements Serializable {
    Counts plus(Counts other) {
      return new Counts(hits + other.hits(), count + other.count());
    }
  }

  /** A pair's caption and rows. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Pair(String caption, float[] image, float[] text) implements Serializable {}

  private final JavaSparkContext context;
  private final Broadcast<SerializableConfiguration> hadoop;
  private final ClipCheckpoint checkpoint;
  private final List<ItemSource> sources;

  /**
   * Evaluates pairs.
   *
   * @param sources of a dataset's split
   * @param most samples to look at, the first ones
   */
  ClipEvaluation(
      JavaSparkContext context,
      Configuration hadoop,
      ClipCheckpoint checkpoint,
      List<ItemSource> sources,
      long most) {
    this.context = requireNonNull(context, "context");
    this.hadoop = context.broadcast(new SerializableConfiguration(hadoop));
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.sources = first(sources, most);
  }

  private static List<ItemSource> first(List<ItemSource> sources, long most) {
    List<ItemSource> first = new ArrayList<>();
    long left = most;
    for (ItemSource source : sources) {
      if (left > 0 && source instanceof ItemSource.ShardRange range) {
        int to = (int) Math.min(range.to(), range.from() + left);
        first.add(new ItemSource.ShardRange(range.shard(), range.from(), to));
        left -= to - range.from();
      }
    }
    return first;
  }

  private JavaRDD<ItemSource> pieces() {
    return context.parallelize(sources, Embedding.partitions(context, sources.size()));
  }

  // --- retrieval

  /** {@link Retrieval} among all pairs, with the jackknife's intervals over twenty groups. */
  Map<String, Estimate> retrieval() {
    ClipCheckpoint model = checkpoint;
    Broadcast<SerializableConfiguration> conf = hadoop;
    List<Pair> pairs =
        pieces().mapPartitions(part -> pairs(part, model, conf.value().value())).collect();
    int groups = Math.min(GROUPS, pairs.size());
    List<Map<String, Double>> without = new ArrayList<>();
    for (int g = 0; g < groups; g++) {
      List<Pair> rest = new ArrayList<>();
      for (int i = 0; i < pairs.size(); i++) {
        if (i % groups != g) {
          rest.add(pairs.get(i));
        }
      }
      without.add(metrics(rest));
    }
    return Estimate.jackknife(metrics(pairs), without);
  }

  private static Map<String, Double> metrics(List<Pair> pairs) {
    return Retrieval.of(
        pairs.stream().map(Pair::caption).toList(),
        pairs.stream().map(Pair::image).toArray(float[][]::new),
        pairs.stream().map(Pair::text).toArray(float[][]::new));
  }

  private static Iterator<Pair> pairs(
      Iterator<ItemSource> pieces, ClipCheckpoint model, Configuration hadoop) throws IOException {
    List<Pair> pairs = new ArrayList<>();
    try (ClipEmbedder embedder = model.open(hadoop)) {
      Embedding embedding = new Embedding(embedder, hadoop);
      while (pieces.hasNext()) {
        embedding.run(
            pieces.next(),
            pair -> pairs.add(new Pair(pair.item().text(), pair.image(), pair.text())));
      }
    }
    return pairs.iterator();
  }

  // --- zero-shot classification

  /**
   * The share of pictures that are told right, by name, with Wilson's interval; and how many were
   * looked at, and how many classes there were.
   *
   * @throws BadInputException when no sample has one of a task's labels
   */
  Map<String, Estimate> zeroShot(Map<String, ZeroShotTask> tasks) {
    Map<String, ZeroShotTask> complete = completed(tasks);
    Map<String, Classes> classes = classes(complete);
    ClipCheckpoint model = checkpoint;
    Broadcast<SerializableConfiguration> conf = hadoop;
    Broadcast<Map<String, Classes>> shared = context.broadcast(classes);
    List<Map<String, Counts>> parts =
        pieces()
            .mapPartitions(part -> classify(part, model, shared.value(), conf.value().value()))
            .collect();
    Map<String, Estimate> estimates = new LinkedHashMap<>();
    complete.forEach(
        (name, task) -> {
          Counts counts =
              parts.stream().map(part -> part.get(name)).reduce(new Counts(0, 0), Counts::plus);
          if (counts.count() == 0) {
            throw new BadInputException(
                "Cannot evaluate: evaluate.zero_shot.%s.label=%s, expected samples whose JSON has one of %s there"
                    .formatted(name, task.label(), task.classes().keySet()));
          }
          estimates.put(PREFIX + name, Estimate.ofShare(counts.hits(), counts.count()));
          estimates.put(PREFIX + name + "_samples", exactly(counts.count()));
          estimates.put(PREFIX + name + "_classes", exactly(task.classes().size()));
        });
    return estimates;
  }

  private static Estimate exactly(long count) {
    return new Estimate(count, count, count);
  }

  /** Tasks without classes get the labels of the split. */
  private Map<String, ZeroShotTask> completed(Map<String, ZeroShotTask> tasks) {
    TreeMap<String, ZeroShotTask> open = new TreeMap<>(tasks);
    open.values().removeIf(task -> task.classes() != null);
    Map<String, ZeroShotTask> complete = new TreeMap<>(tasks);
    if (open.isEmpty()) {
      return complete;
    }
    Broadcast<SerializableConfiguration> conf = hadoop;
    TreeMap<String, Set<String>> labels = new TreeMap<>();
    pieces()
        .mapPartitions(part -> labels(part, open, conf.value().value()))
        .collect()
        .forEach(
            part ->
                part.forEach(
                    (name, found) ->
                        labels.computeIfAbsent(name, n -> new TreeSet<>()).addAll(found)));
    labels.forEach(
        (name, found) -> {
          if (found.size() < 2) {
            throw new BadInputException(
                "Cannot evaluate: evaluate.zero_shot.%s.label=%s finds the labels %s, expected at least two; try a key of the samples' JSON, or name classes"
                    .formatted(name, open.get(name).label(), found));
          }
          complete.put(name, open.get(name).with(found));
        });
    return complete;
  }

  private static Iterator<Map<String, Set<String>>> labels(
      Iterator<ItemSource> pieces, Map<String, ZeroShotTask> tasks, Configuration hadoop)
      throws IOException {
    Map<String, Set<String>> labels = new HashMap<>();
    tasks.keySet().forEach(name -> labels.put(name, new TreeSet<>()));
    while (pieces.hasNext()) {
      pieces
          .next()
          .forEach(
              hadoop,
              item ->
                  tasks.forEach(
                      (name, task) ->
                          task.labelOf(item.metadata()).ifPresent(labels.get(name)::add)));
    }
    return List.of(labels).iterator();
  }

  /** The rows of all classes, from their prompts. */
  private Map<String, Classes> classes(Map<String, ZeroShotTask> tasks) {
    ClipCheckpoint model = checkpoint;
    Broadcast<SerializableConfiguration> conf = hadoop;
    List<ZeroShotTask> list = new ArrayList<>(tasks.values());
    List<Classes> made =
        context
            .parallelize(list, list.size())
            .mapPartitions(part -> classes(part, model, conf.value().value()))
            .collect();
    Map<String, Classes> classes = new TreeMap<>();
    Iterator<Classes> next = made.iterator();
    tasks.keySet().forEach(name -> classes.put(name, next.next()));
    return classes;
  }

  private static Iterator<Classes> classes(
      Iterator<ZeroShotTask> tasks, ClipCheckpoint model, Configuration hadoop) {
    List<Classes> classes = new ArrayList<>();
    try (ClipEmbedder embedder = model.open(hadoop)) {
      while (tasks.hasNext()) {
        ZeroShotTask task = tasks.next();
        ArrayList<float[]> rows = new ArrayList<>();
        task.classes()
            .forEach(
                (name, phrases) ->
                    rows.add(
                        ZeroShot.mean(
                            embedder.texts(ZeroShot.prompts(task.templates(), phrases)))));
        classes.add(new Classes(task, new ArrayList<>(task.classes().keySet()), rows));
      }
    }
    return classes.iterator();
  }

  private static Iterator<Map<String, Counts>> classify(
      Iterator<ItemSource> pieces,
      ClipCheckpoint model,
      Map<String, Classes> classes,
      Configuration hadoop)
      throws IOException {
    Map<String, Counts> counts = new TreeMap<>();
    classes.keySet().forEach(name -> counts.put(name, new Counts(0, 0)));
    try (ClipEmbedder embedder = model.open(hadoop)) {
      Embedding embedding = new Embedding(embedder, hadoop);
      while (pieces.hasNext()) {
        embedding.run(
            pieces.next(),
            item -> new Item(item.key(), item.image(), null, item.metadata()),
            picture ->
                classes.forEach(
                    (name, each) -> {
                      Optional<String> label = each.task().labelOf(picture.item().metadata());
                      int own = label.isPresent() ? each.names().indexOf(label.get()) : -1;
                      if (own >= 0) {
                        boolean right = ZeroShot.classify(picture.image(), each.rows()) == own;
                        counts.merge(name, new Counts(right ? 1 : 0, 1), Counts::plus);
                      }
                    }));
      }
    }
    return List.of(counts).iterator();
  }
}

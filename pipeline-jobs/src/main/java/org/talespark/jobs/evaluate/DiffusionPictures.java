package org.talespark.jobs.evaluate;

import static java.util.Objects.requireNonNull;

import java.io.Serializable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.zoo.diffusion.DiffusionModel;
import org.talespark.zoo.diffusion.NoiseKey;
import org.talespark.zoo.diffusion.Sampler;
import org.talespark.zoo.runtime.NativeRuntime;

/**
 * The pictures of a diffusion checkpoint, in groups of eight that depend on the prompts alone, so
 * that what is made does not depend on the cluster.
 */
final class DiffusionPictures implements Painter {
  private static final int BATCH = 8;

  /** More than one, so that an executor that is done early takes work from others. */
  private static final int PARTITIONS_A_SLOT = 2;

  /** A picture to be made, and the key of its noise. */
  private record Wanted(int index, String prompt, long key) implements Serializable {}

  private final JavaSparkContext context;
  private final Broadcast<SerializableConfiguration> hadoop;
  private final String checkpoint;
  private final Sampler sampler;
  private final long seed;

  /**
   * Nothing is opened yet.
   *
   * @param checkpoint the whole URI of a checkpoint's directory
   * @param sampler or null for the checkpoint's own
   */
  DiffusionPictures(
      JavaSparkContext context,
      Broadcast<SerializableConfiguration> hadoop,
      String checkpoint,
      Sampler sampler,
      long seed) {
    this.context = requireNonNull(context, "context");
    this.hadoop = requireNonNull(hadoop, "hadoop");
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.sampler = sampler;
    this.seed = seed;
  }

  @Override
  public JavaRDD<Painted> paint(List<String> prompts, Double guidance) {
    Map<String, Integer> numbers = new HashMap<>();
    List<List<Wanted>> groups = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      if (i % BATCH == 0) {
        groups.add(new ArrayList<>());
      }
      String prompt = prompts.get(i);
      int number = numbers.merge(prompt, 1, Integer::sum) - 1;
      groups
          .get(groups.size() - 1)
          .add(new Wanted(i, prompt, NoiseKey.sampling(seed, prompt, number)));
    }
    int most = PARTITIONS_A_SLOT * Math.max(1, context.defaultParallelism());
    String uri = checkpoint;
    Broadcast<SerializableConfiguration> conf = hadoop;
    Sampler own = sampler;
    return context
        .parallelize(groups, Math.max(1, Math.min(groups.size(), most)))
        .mapPartitions(
            part ->
                new Made<>(
                    part,
                    uri,
                    conf.value().value(),
                    (model, group) ->
                        generate(model, group, new DiffusionModel.Options(own, guidance))));
  }

  /** Pictures through the first stage and back. */
  JavaRDD<Painted> reconstructed(JavaRDD<Painted> pictures) {
    String uri = checkpoint;
    Broadcast<SerializableConfiguration> conf = hadoop;
    return pictures.mapPartitions(
        part ->
            new Made<>(
                new Groups(part), uri, conf.value().value(), DiffusionPictures::reconstruct));
  }

  private static List<Painted> generate(
      DiffusionModel model, List<Wanted> group, DiffusionModel.Options options) {
    List<String> prompts = group.stream().map(Wanted::prompt).toList();
    long[] keys = group.stream().mapToLong(Wanted::key).toArray();
    float[] made = model.generate(prompts, keys, options);
    List<Painted> pictures = new ArrayList<>();
    for (int i = 0; i < group.size(); i++) {
      pictures.add(new Painted(group.get(i).index(), prompts.get(i), part(made, i, keys.length)));
    }
    return pictures;
  }

  private static List<Painted> reconstruct(DiffusionModel model, List<Painted> group) {
    int each = group.get(0).picture().length;
    float[] pictures = new float[group.size() * each];
    for (int i = 0; i < group.size(); i++) {
      System.arraycopy(group.get(i).picture(), 0, pictures, i * each, each);
    }
    float[] back = model.reconstruct(pictures, group.size());
    List<Painted> reconstructed = new ArrayList<>();
    for (int i = 0; i < group.size(); i++) {
      Painted picture = group.get(i);
      reconstructed.add(
          new Painted(picture.index(), picture.caption(), part(back, i, group.size())));
    }
    return reconstructed;
  }

  private static float[] part(float[] pictures, int i, int count) {
    int each = pictures.length / count;
    return Arrays.copyOfRange(pictures, i * each, (i + 1) * each);
  }

  /** Pictures, a batch at a time. */
  private record Groups(Iterator<Painted> pictures) implements Iterator<List<Painted>> {
    @Override
    public boolean hasNext() {
      return pictures.hasNext();
    }

    @Override
    public List<Painted> next() {
      List<Painted> group = new ArrayList<>();
      while (group.size() < BATCH && pictures.hasNext()) {
        group.add(pictures.next());
      }
      return group;
    }
  }

  /** What becomes of a partition's groups; the model is opened with the first one. */
  private static final class Made<T> implements Iterator<Painted> {
    private final Iterator<List<T>> groups;
    private final String checkpoint;
    private final Configuration hadoop;
    private final BiFunction<DiffusionModel, List<T>, List<Painted>> work;
    private final Deque<Painted> made = new ArrayDeque<>();
    private DiffusionModel model;

    Made(
        Iterator<List<T>> groups,
        String checkpoint,
        Configuration hadoop,
        BiFunction<DiffusionModel, List<T>, List<Painted>> work) {
      this.groups = groups;
      this.checkpoint = checkpoint;
      this.hadoop = hadoop;
      this.work = work;
    }

    @Override
    public boolean hasNext() {
      return !made.isEmpty() || groups.hasNext();
    }

    @Override
    public Painted next() {
      if (made.isEmpty()) {
        open();
        made.addAll(work.apply(model, groups.next()));
      }
      return made.remove();
    }

    private void open() {
      if (model == null) {
        NativeRuntime.initialize(NativeRuntime.Settings.threads(TaskContext.get().cpus()));
        model = new DiffusionModel(LearnerFiles.pretrained(hadoop).apply(checkpoint), BATCH);
        TaskCompletionListener closing = task -> model.close();
        TaskContext.get().addTaskCompletionListener(closing);
      }
    }
  }
}

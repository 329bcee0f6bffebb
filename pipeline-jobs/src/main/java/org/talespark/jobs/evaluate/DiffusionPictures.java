package org.talespark.jobs.evaluate;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;
import org.talespark.jobs.infer.Generation;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.zoo.diffusion.DiffusionModel;
import org.talespark.zoo.diffusion.Sampler;
import org.talespark.zoo.runtime.NativeRuntime;

/** The pictures of a diffusion checkpoint, as {@code infer generate} makes them. */
final class DiffusionPictures implements Painter {
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
    List<Generation.Request> requests = new ArrayList<>();
    for (String prompt : prompts) {
      int number = numbers.merge(prompt, 1, Integer::sum) - 1;
      requests.add(new Generation.Request(requests.size(), prompt, number));
    }
    List<String> captions = new ArrayList<>(prompts);
    return Generation.run(
            context,
            hadoop.value().value(),
            requests,
            new Generation.Settings(checkpoint, sampler, guidance, seed))
        .map(made -> new Painted(made.index(), captions.get(made.index()), made.picture()));
  }

  /** Pictures through the first stage and back. */
  JavaRDD<Painted> reconstructed(JavaRDD<Painted> pictures) {
    String uri = checkpoint;
    Broadcast<SerializableConfiguration> conf = hadoop;
    return pictures.mapPartitions(part -> new Reconstructed(part, uri, conf.value().value()));
  }

  /** A partition's pictures, a batch at a time; the model is opened with the first one. */
  private static final class Reconstructed implements Iterator<Painted> {
    private final Iterator<Painted> pictures;
    private final String checkpoint;
    private final Configuration hadoop;
    private final Deque<Painted> done = new ArrayDeque<>();
    private DiffusionModel model;

    Reconstructed(Iterator<Painted> pictures, String checkpoint, Configuration hadoop) {
      this.pictures = pictures;
      this.checkpoint = checkpoint;
      this.hadoop = hadoop;
    }

    @Override
    public boolean hasNext() {
      return !done.isEmpty() || pictures.hasNext();
    }

    @Override
    public Painted next() {
      if (done.isEmpty()) {
        open();
        List<Painted> group = new ArrayList<>();
        while (group.size() < Generation.BATCH && pictures.hasNext()) {
          group.add(pictures.next());
        }
        reconstruct(group);
      }
      return done.remove();
    }

    private void open() {
      if (model == null) {
        NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
        model =
            new DiffusionModel(LearnerFiles.pretrained(hadoop).apply(checkpoint), Generation.BATCH);
        TaskCompletionListener closing = task -> model.close();
        TaskContext.get().addTaskCompletionListener(closing);
      }
    }

    private void reconstruct(List<Painted> group) {
      int each = group.get(0).picture().length;
      float[] planes = new float[group.size() * each];
      for (int i = 0; i < group.size(); i++) {
        System.arraycopy(group.get(i).picture(), 0, planes, i * each, each);
      }
      float[] back = model.reconstruct(planes, group.size());
      for (int i = 0; i < group.size(); i++) {
        Painted picture = group.get(i);
        done.add(
            new Painted(
                picture.index(),
                picture.caption(),
                Arrays.copyOfRange(back, i * each, (i + 1) * each)));
      }
    }
  }
}

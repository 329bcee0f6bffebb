package org.talespark.jobs.infer;

import static java.util.Objects.requireNonNull;

import java.io.Serializable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
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
import org.talespark.data.BadInputException;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.jobs.train.RunDirectory;
import org.talespark.zoo.diffusion.DiffusionModel;
import org.talespark.zoo.diffusion.Sampler;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.runtime.NativeRuntime;

/**
 * Makes pictures with a diffusion model on all executors.
 *
 * <p>Requests of one kind are taken in the order of their indices in groups of {@link
 * Settings#batch}, the last one filled up by repeating its last request, and each group is sampled
 * by one thread with noise that follows from seed, prompt and number. So what is made does not
 * depend on executors, partitions or failures, to the bit.
 */
public final class Generation {
  /** Pictures that are sampled together, where nobody says another number. */
  public static final int BATCH = 8;

  private static final double VARY = 0.8;
  private static final double INPAINT = 1;

  /** More than one, so that an executor that is done early takes work from others. */
  private static final int PARTITIONS_A_SLOT = 2;

  /**
   * A picture to be made.
   *
   * @param index of the picture, and its place in the order of requests
   * @param prompt empty for a model without texts
   * @param number which picture of this prompt, from 0
   * @param seed in place of that of the settings, or null
   * @param original whole URI of the picture to begin with, or null
   * @param mask whole URI of the picture that is white where the original is made anew, or null
   */
  public record Request(
      int index, String prompt, int number, Long seed, String original, String mask)
      implements Serializable {
    public Request {
      requireNonNull(prompt, "prompt");
      if (mask != null && original == null) {
        throw new IllegalArgumentException(
            "Cannot inpaint: mask=%s without a picture, expected both".formatted(mask));
      }
    }

    /** A picture from noise. */
    public Request(int index, String prompt, int number) {
      this(index, prompt, number, null, null, null);
    }
  }

  /**
   * How pictures are made.
   *
   * @param checkpoint a run or checkpoint directory
   * @param sampler or null for the checkpoint's own
   * @param guidance or null for the checkpoint's own
   * @param strength share of the timesteps that a request's original loses, or null for 0.8, and 1
   *     under a mask
   * @param batch pictures that are sampled together
   */
  public record Settings(
      String checkpoint, Sampler sampler, Double guidance, long seed, Double strength, int batch)
      implements Serializable {
    public Settings {
      requireNonNull(checkpoint, "checkpoint");
      if (batch < 1) {
        throw new IllegalArgumentException(
            "Cannot generate: batch=%d, expected at least 1".formatted(batch));
      }
    }

    /** Pictures from noise, {@link #BATCH} at a time. */
    public Settings(String checkpoint, Sampler sampler, Double guidance, long seed) {
      this(checkpoint, sampler, guidance, seed, null, BATCH);
    }

    /** The strength for a request with an original. */
    double strength(Request request) {
      return strength != null ? strength : request.mask() == null ? VARY : INPAINT;
    }
  }

  /**
   * A picture that was made.
   *
   * @param index of its request
   * @param picture [3, size, size] in [-1, 1]
   */
  @SuppressWarnings("ArrayRecordComponent") // a picture, compared by nobody
  public record Made(int index, float[] picture) implements Serializable {}

  /** What is asked of the model; requests of different kinds are not sampled together. */
  private enum Kind {
    GENERATE,
    VARY,
    INPAINT;

    static Kind of(Request request) {
      return request.original() == null ? GENERATE : request.mask() == null ? VARY : INPAINT;
    }
  }

  private Generation() {}

  /**
   * Describes the work; Spark does it when the pictures are used.
   *
   * @param requests with ascending indices
   * @throws BadInputException when there is no such checkpoint
   */
  public static JavaRDD<Made> run(
      JavaSparkContext context, Configuration hadoop, List<Request> requests, Settings settings) {
    String checkpoint = RunDirectory.checkpoint(settings.checkpoint(), hadoop).path().toString();
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    List<List<Request>> groups = groups(requests, settings.batch());
    int slots = Math.max(1, context.defaultParallelism());
    int partitions = Math.max(1, Math.min(groups.size(), PARTITIONS_A_SLOT * slots));
    return context
        .parallelize(groups, partitions)
        .mapPartitions(part -> new Pictures(part, checkpoint, settings, conf.value().value()));
  }

  /** The units of work, which depend on nothing but the requests and the batch. */
  static List<List<Request>> groups(List<Request> requests, int batch) {
    Map<Kind, List<Request>> kinds = new EnumMap<>(Kind.class);
    for (Request request : requests) {
      kinds.computeIfAbsent(Kind.of(request), kind -> new ArrayList<>()).add(request);
    }
    List<List<Request>> groups = new ArrayList<>();
    for (List<Request> kind : kinds.values()) {
      for (int from = 0; from < kind.size(); from += batch) {
        groups.add(new ArrayList<>(kind.subList(from, Math.min(kind.size(), from + batch))));
      }
    }
    return groups;
  }

  /** The pictures of a partition, group by group; the model is opened once. */
  private static final class Pictures implements Iterator<Made> {
    private final Iterator<List<Request>> groups;
    private final Settings settings;
    private final DiffusionModel model;
    private final GivenPictures given;
    private final Deque<Made> made = new ArrayDeque<>();

    Pictures(
        Iterator<List<Request>> groups,
        String checkpoint,
        Settings settings,
        Configuration hadoop) {
      NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
      this.groups = groups;
      this.settings = settings;
      this.model =
          new DiffusionModel(LearnerFiles.pretrained(hadoop).apply(checkpoint), settings.batch());
      this.given = new GivenPictures(hadoop, model.size());
      TaskCompletionListener closing = task -> model.close();
      TaskContext.get().addTaskCompletionListener(closing);
    }

    @Override
    public boolean hasNext() {
      return !made.isEmpty() || groups.hasNext();
    }

    @Override
    public Made next() {
      if (made.isEmpty()) {
        List<Request> group = groups.next();
        float[] pictures = sample(filledUp(group));
        int each = pictures.length / settings.batch();
        for (int i = 0; i < group.size(); i++) {
          made.add(
              new Made(
                  group.get(i).index(), Arrays.copyOfRange(pictures, i * each, (i + 1) * each)));
        }
      }
      return made.remove();
    }

    private List<Request> filledUp(List<Request> group) {
      List<Request> full = new ArrayList<>(group);
      while (full.size() < settings.batch()) {
        full.add(group.get(group.size() - 1));
      }
      return full;
    }

    /** [batch, 3, size, size]. */
    private float[] sample(List<Request> group) {
      List<String> prompts = group.stream().map(Request::prompt).toList();
      long[] keys = group.stream().mapToLong(this::key).toArray();
      DiffusionModel.Options options =
          new DiffusionModel.Options(settings.sampler(), settings.guidance());
      double strength = settings.strength(group.get(0));
      return switch (Kind.of(group.get(0))) {
        case GENERATE -> model.generate(prompts, keys, options);
        case VARY -> model.vary(prompts, keys, given.originals(group), strength, options);
        case INPAINT ->
            model.inpaint(
                prompts, keys, given.originals(group), given.masks(group), strength, options);
      };
    }

    private long key(Request request) {
      long seed = request.seed() == null ? settings.seed() : request.seed();
      return NoiseKey.sampling(seed, request.prompt(), request.number());
    }
  }
}

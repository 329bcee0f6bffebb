package org.talespark.jobs.evaluate;

import static java.util.Objects.requireNonNull;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.image.Images;
import org.talespark.jobs.Progress;
import org.talespark.jobs.metrics.TaskProgress;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.zoo.attributes.AttributeClassifier;
import org.talespark.zoo.runtime.NativeRuntime;

/** Shows pictures to an attribute classifier, where they are. */
final class ClassifierJudge implements Judge {
  private static final int BATCH = 32;

  private final String classifier;
  private final Broadcast<SerializableConfiguration> hadoop;
  private final SparkContext spark;
  private final PrintStream log;

  /**
   * Nothing is opened yet.
   *
   * @param classifier a checkpoint's whole URI
   * @param log where progress is told
   */
  ClassifierJudge(
      String classifier,
      Broadcast<SerializableConfiguration> hadoop,
      SparkContext spark,
      PrintStream log) {
    this.classifier = requireNonNull(classifier, "classifier");
    this.hadoop = requireNonNull(hadoop, "hadoop");
    this.spark = requireNonNull(spark, "spark");
    this.log = requireNonNull(log, "log");
  }

  @Override
  public List<Judged> see(
      String what, long expected, JavaRDD<Painted> pictures, Set<Integer> shown) {
    String uri = classifier;
    Broadcast<SerializableConfiguration> conf = hadoop;
    Progress progress = Progress.of(log, what, "images", 0, expected);
    try (TaskProgress done = new TaskProgress(spark, progress, expected)) {
      LongAccumulator counter = done.counter();
      List<Judged> seen =
          new ArrayList<>(
              pictures
                  .mapPartitions(part -> see(part, uri, conf.value().value(), shown, counter))
                  .collect());
      seen.sort(Comparator.comparingInt(Judged::index));
      return seen;
    }
  }

  private static Iterator<Judged> see(
      Iterator<Painted> pictures,
      String uri,
      Configuration hadoop,
      Set<Integer> shown,
      LongAccumulator counter) {
    List<Judged> seen = new ArrayList<>();
    if (pictures.hasNext()) {
      NativeRuntime.initialize(NativeRuntime.Settings.threads(TaskContext.get().cpus()));
      try (AttributeClassifier classifier =
          new AttributeClassifier(LearnerFiles.pretrained(hadoop).apply(uri), BATCH)) {
        List<Painted> batch = new ArrayList<>();
        while (pictures.hasNext()) {
          batch.add(pictures.next());
          if (batch.size() == BATCH || !pictures.hasNext()) {
            seen.addAll(see(classifier, batch, shown));
            counter.add(batch.size());
            batch.clear();
          }
        }
      }
    }
    return seen.iterator();
  }

  private static List<Judged> see(
      AttributeClassifier classifier, List<Painted> batch, Set<Integer> shown) {
    int size = classifier.size();
    int each = 3 * size * size;
    float[] pictures = new float[batch.size() * each];
    for (int i = 0; i < batch.size(); i++) {
      float[] picture = batch.get(i).picture();
      if (picture.length != each) {
        int side = (int) Math.round(Math.sqrt(picture.length / 3.0));
        throw new IllegalArgumentException(
            "Cannot judge pictures: they are %d x %d and the classifier sees %d x %d; try a --classifier trained with data.size=%d"
                .formatted(side, side, size, size, side));
      }
      System.arraycopy(picture, 0, pictures, i * each, each);
    }
    AttributeClassifier.Seen seen = classifier.see(pictures);
    List<Judged> judged = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      Painted painted = batch.get(i);
      byte[] png =
          shown.contains(painted.index()) ? Images.encodePng(painted.picture(), size) : null;
      judged.add(
          new Judged(
              painted.index(),
              painted.caption(),
              seen.predictions().get(i),
              seen.features().get(i),
              png));
    }
    return judged;
  }
}

package org.talespark.data.prepare;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import scala.collection.JavaConverters;

/** Counts the tasks of the last stages of described jobs. */
final class ProgressListener extends SparkListener {

  private static final class Stage {
    private final String work;
    private int done;
    private int total;

    Stage(String work) {
      this.work = work;
    }
  }

  private final PrepareProgress progress;
  private final Map<String, String> works;
  private final Map<Integer, Stage> stages = new HashMap<>();

  /**
   * Starts counting.
   *
   * @param works what to call work, by the description of its Spark jobs
   */
  ProgressListener(PrepareProgress progress, Map<String, String> works) {
    this.progress = progress;
    this.works = Map.copyOf(works);
  }

  @Override
  public synchronized void onJobStart(SparkListenerJobStart job) {
    String description = job.properties().getProperty("spark.job.description", "");
    if (works.containsKey(description)) {
      int last = -1; // the stages before only prepare it
      for (Object id : JavaConverters.seqAsJavaList(job.stageIds())) {
        last = Math.max(last, (Integer) id);
      }
      stages.put(last, new Stage(works.get(description)));
    }
  }

  @Override
  public synchronized void onStageSubmitted(SparkListenerStageSubmitted submitted) {
    Stage stage = stages.get(submitted.stageInfo().stageId());
    if (stage != null) {
      stage.total = submitted.stageInfo().numTasks();
      progress.at(stage.work, stage.done, stage.total);
    }
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    Stage stage = stages.get(end.stageId());
    if (stage != null && end.taskInfo().successful() && stage.done < stage.total) {
      stage.done++;
      progress.at(stage.work, stage.done, stage.total);
    }
  }
}

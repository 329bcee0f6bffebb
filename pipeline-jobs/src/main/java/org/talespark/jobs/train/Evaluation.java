package org.talespark.jobs.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.talespark.data.image.Grid;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.HeldOut;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.SampleRows;

/** A learner's averaged weights on held-out samples. */
final class Evaluation {
  private static final int SAMPLE_PICTURES = 12;

  private final TrainConfig config;
  private final SampleStore heldOut;
  private final long most;

  /** On as many samples as the configuration says. */
  Evaluation(TrainConfig config, SampleStore heldOut) {
    this(config, heldOut, config.data().evaluationSamples());
  }

  /** On at most so many samples. */
  Evaluation(TrainConfig config, SampleStore heldOut, long most) {
    this.config = config;
    this.heldOut = heldOut;
    this.most = most;
  }

  /** One worker's share of that from which the metrics are made: every N-th sample. */
  EvaluationPart part(Learner learner, int rank, int workers) throws InterruptedException {
    int count = (int) Math.min(heldOut.size(), most);
    List<Integer> mine = new ArrayList<>();
    for (int i = rank; i < count; i += workers) {
      mine.add(i);
    }
    Map<String, double[]> sums = new LinkedHashMap<>();
    List<SampleRows> rows = new ArrayList<>();
    int batch = config.train().batch();
    for (int from = 0; from < mine.size(); from += batch) {
      List<Integer> part = mine.subList(from, Math.min(mine.size(), from + batch));
      Batch samples = heldOut.batch(part, config.task().pictures());
      Sums.add(sums, learner.evaluate(samples, new Captions(count)));
      rows.add(learner.evaluationRows(samples));
    }
    return new EvaluationPart(sums, SampleRows.joined(rows));
  }

  /** The captions of all samples that are looked at, also by other workers. */
  private final class Captions implements HeldOut {
    private final int count;

    Captions(int count) {
      this.count = count;
    }

    @Override
    public int size() {
      return count;
    }

    @Override
    public String caption(int sample) {
      try {
        return heldOut.read(heldOut.place(sample), false).caption();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("Interrupted before caption: sample=" + sample, e);
      }
    }
  }

  /** A PNG of the first held-out samples and what the learner makes of them; empty for none. */
  byte[] pictures(Learner learner) throws InterruptedException {
    int count = (int) Math.min(Math.min(SAMPLE_PICTURES, config.train().batch()), heldOut.size());
    List<Integer> first = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      first.add(i);
    }
    List<List<Pixels>> rows = new ArrayList<>();
    for (float[][] row : learner.samples(heldOut.batch(first, config.task().pictures()))) {
      List<Pixels> pictures = new ArrayList<>();
      for (float[] picture : row) {
        pictures.add(Images.pixels(picture, config.data().size()));
      }
      rows.add(pictures);
    }
    return rows.isEmpty()
        ? new byte[0]
        : Images.encodePng(Grid.compose(rows, config.data().size(), 2));
  }
}

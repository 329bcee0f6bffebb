package org.talespark.jobs.train;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.FileBody;
import org.talespark.zoo.graph.ParameterLayout;
import org.talespark.zoo.optim.Optimizer;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;

/**
 * The machinery of a {@code local-sgd} task: a learner that takes the state of one replica, makes
 * its steps and gives the new state. It keeps nothing of a state, so a round that is done again
 * gives the same.
 */
final class Replica implements AutoCloseable {
  private static final int PART_ELEMENTS = 1 << 20;
  private static final String OUTER = "outer.safetensors";

  private final TrainConfig config;
  private final int workers;
  private final Learner learner;
  private final SampleStore training;
  private final SampleStore heldOut;
  private final List<INDArray> outerGradients = new ArrayList<>();
  private final List<Optimizer> outer = new ArrayList<>();

  /** Which replica the learner is at the moment. */
  private int rank;

  Replica(TrainConfig config, RunOptions options, Configuration hadoop) {
    this.config = config;
    this.workers = config.train().workers();
    this.training = SampleStore.open(config, options, Split.TRAIN, hadoop);
    this.heldOut = SampleStore.open(config, options, Split.VALIDATION, hadoop);
    Reducer apart = Reducer.apart(() -> rank, workers);
    this.learner = config.task().create(config.learnerContext(apart, hadoop));
    LocalSgdConfig local = config.localSgd();
    OptimizerConfig nesterov =
        new OptimizerConfig.Sgd(local.outerMomentum(), local.outerMomentum() > 0, 0);
    for (INDArray flat : learner.parameters()) {
      ParameterLayout whole = ParameterLayout.of(Map.of("all", new long[] {flat.length()}));
      outer.add(nesterov.create(whole, flat.dataType()));
      outerGradients.add(Nd4j.zeros(flat.dataType(), flat.length()));
    }
  }

  /** A replica's state at the beginning of a run, or at a checkpoint. */
  ReplicaState begin(int replica, Checkpoint checkpoint, String base, Configuration hadoop)
      throws IOException {
    rank = replica;
    momentum().values().forEach(array -> array.assign(0));
    if (checkpoint == null) {
      LearnerFiles.begin(learner, base, hadoop);
    } else {
      LearnerFiles.restore(checkpoint, learner);
      if (rank > 0 && checkpoint.has(optimizerOf(rank))) {
        LearnerFiles.load(checkpoint, optimizerOf(rank), learner.state());
      }
      if (checkpoint.has(OUTER) && !momentum().isEmpty()) {
        LearnerFiles.load(checkpoint, OUTER, momentum());
      }
    }
    return state(FlatBytes.copies(learner.parameters()), List.of(), ReplicaState.Report.NOTHING);
  }

  /** The outer step: from the mean of all deltas to the parameters that all replicas share. */
  ReplicaState merge(ReplicaState before, DeltaMean mean) {
    become(before, mean);
    return state(FlatBytes.copies(learner.parameters()), List.of(), ReplicaState.Report.NOTHING);
  }

  /**
   * The outer step, if there are deltas to be merged, and then the round's own steps.
   *
   * @param mean null at the beginning of a run
   */
  ReplicaState round(ReplicaState before, DeltaMean mean, Round round) throws Exception {
    become(before, mean);
    List<byte[]> base = FlatBytes.copies(learner.parameters());
    long started = System.nanoTime();
    String answer = Answer.of(() -> steps(round));
    double seconds = (System.nanoTime() - started) / 1e9;
    List<byte[]> delta = new ArrayList<>();
    for (int i = 0; i < base.size(); i++) {
      addDelta(delta, base.get(i), learner.parameters().get(i));
    }
    int parameterParts = delta.size();
    for (INDArray flat : learner.statistics()) {
      for (long from = 0; from < flat.length(); from += PART_ELEMENTS) {
        int count = (int) Math.min(PART_ELEMENTS, flat.length() - from);
        delta.add(DeltaWire.FULL.encode(FlatBytes.values(flat, from, count), single()));
      }
    }
    return state(base, delta, new ReplicaState.Report(answer, seconds, parameterParts));
  }

  private Map<String, Double> steps(Round round) throws InterruptedException {
    TrainConfig.Train train = config.train();
    Map<String, Double> means = new LinkedHashMap<>();
    try (BatchLoader loader =
        new BatchLoader(
            training,
            config.data(),
            train.seed(),
            train.batch(),
            rank,
            workers,
            config.task().pictures())) {
      Position at = round.at();
      for (int i = 0; i < round.steps(); i++) {
        learner
            .step(loader.at(at.samples()), new Progress(at.step(), round.doneAt(i)))
            .losses()
            .forEach((name, value) -> means.merge(name, value / round.steps(), Double::sum));
        at = at.after(1, (long) train.batch() * workers, 0);
      }
    }
    return means;
  }

  /** This replica's share of an evaluation. */
  EvaluationPart evaluate(ReplicaState merged) throws InterruptedException {
    become(merged, null);
    return new Evaluation(config, heldOut).part(learner, merged.rank(), workers);
  }

  /** Held-out samples as the averaged weights make them. */
  byte[] pictures(ReplicaState merged) throws InterruptedException {
    become(merged, null);
    return new Evaluation(config, heldOut).pictures(learner);
  }

  /**
   * The files of a checkpoint: the shared weights, and each replica's own optimizer.
   *
   * @param others the states of ranks 1 and on, in order; each is taken when its file is written
   */
  Map<String, FileBody> files(
      ReplicaState merged, Iterator<ReplicaState> others, Position at, RunOptions options) {
    become(merged, null);
    TrainerState trainer = TrainerState.of(at, config, learner.counters(), options.versions());
    Map<String, FileBody> files = LearnerFiles.of(learner, config, trainer);
    if (!momentum().isEmpty()) {
      files.put(OUTER, LearnerFiles.tensors(momentum()));
    }
    for (int other = 1; other < workers; other++) {
      files.put(optimizerOf(other), new OptimizerFile(others));
    }
    return files;
  }

  /** Another replica's optimizer. Writing may be tried again, so its state is kept. */
  private final class OptimizerFile implements FileBody {
    private final Iterator<ReplicaState> remaining;
    private ReplicaState taken;

    private OptimizerFile(Iterator<ReplicaState> remaining) {
      this.remaining = remaining;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      taken = taken == null ? remaining.next() : taken;
      FlatBytes.restore(taken.state(), learner.state());
      LearnerFiles.tensors(learner.state()).writeTo(out);
    }
  }

  private static String optimizerOf(int rank) {
    return "optimizer-%05d.safetensors".formatted(rank);
  }

  private void become(ReplicaState before, DeltaMean mean) {
    rank = before.rank();
    FlatBytes.restore(before.model(), learner.model());
    FlatBytes.restore(before.state(), learner.state());
    FlatBytes.restore(before.ema(), learner.ema());
    learner.restored(before.counters());
    FlatBytes.restore(before.base(), learner.parameters());
    FlatBytes.restore(before.momentum(), List.copyOf(momentum().values()));
    if (mean != null) {
      int part = 0;
      for (int i = 0; i < outer.size(); i++) {
        part = read(mean.parts(), part, outerGradients.get(i));
        outer
            .get(i)
            .update(
                learner.parameters().get(i),
                outerGradients.get(i),
                config.localSgd().outerLearningRate());
      }
      for (INDArray flat : learner.statistics()) {
        part = read(mean.parts(), part, flat);
      }
      learner.merged(mean.steps());
    }
  }

  private static int read(List<byte[]> parts, int first, INDArray into) {
    int part = first;
    for (long from = 0; from < into.length(); from += PART_ELEMENTS) {
      FlatBytes.write(DeltaWire.decode(parts.get(part)), into, from);
      part++;
    }
    return part;
  }

  private void addDelta(List<byte[]> parts, byte[] base, INDArray now) {
    for (long from = 0; from < now.length(); from += PART_ELEMENTS) {
      int count = (int) Math.min(PART_ELEMENTS, now.length() - from);
      double[] delta = FlatBytes.values(base, now.dataType(), from, count);
      double[] values = FlatBytes.values(now, from, count);
      for (int i = 0; i < count; i++) {
        delta[i] -= values[i];
      }
      parts.add(config.localSgd().wire().encode(delta, single()));
    }
  }

  private boolean single() {
    return config.train().precision() == TrainConfig.Precision.FLOAT32;
  }

  private Map<String, INDArray> momentum() {
    Map<String, INDArray> momentum = new LinkedHashMap<>();
    for (int i = 0; i < outer.size(); i++) {
      int number = i;
      outer.get(i).state().forEach((name, array) -> momentum.put(name + "." + number, array));
    }
    return momentum;
  }

  private ReplicaState state(List<byte[]> base, List<byte[]> delta, ReplicaState.Report report) {
    return new ReplicaState(
        rank,
        base,
        FlatBytes.copies(List.copyOf(momentum().values())),
        FlatBytes.copies(learner.model()),
        FlatBytes.copies(learner.state()),
        FlatBytes.copies(learner.ema()),
        learner.counters(),
        delta,
        report);
  }

  @Override
  public void close() {
    learner.close();
    training.close();
    heldOut.close();
  }
}

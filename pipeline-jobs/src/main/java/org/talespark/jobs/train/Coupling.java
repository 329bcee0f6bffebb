package org.talespark.jobs.train;

import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.StepResult;

/** How the replicas in the tasks of a barrier stage are kept together. */
interface Coupling extends AutoCloseable {
  /** What the learner is made with. */
  Reducer reducer();

  /** Begins, once the learner has its weights. */
  void begin(Learner learner);

  /** One step of this worker, and what it takes of the others' steps. */
  StepResult step(Learner learner, Batch batch, Progress progress);

  /** Makes all replicas equal before they are evaluated or saved; all workers call it. */
  void settle(Learner learner);

  /** Whether replicas are equal to the bit after every step. */
  boolean exact();

  /** Time spent waiting for other workers. */
  double waitedSeconds();

  /** What this worker has sent. */
  long bytesSent();

  @Override
  void close();
}

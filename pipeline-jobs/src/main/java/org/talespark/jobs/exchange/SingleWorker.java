package org.talespark.jobs.exchange;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The exchange of a run with one worker: every sum is the array itself. */
public final class SingleWorker implements Exchange {
  @Override
  public int rank() {
    return 0;
  }

  @Override
  public int workers() {
    return 1;
  }

  @Override
  public void allReduceSum(INDArray flat) {
    FlatMemory.of(flat);
  }

  @Override
  public Pending allReduceSumAsync(INDArray flat) {
    FlatMemory.of(flat);
    return () -> {};
  }

  @Override
  public List<byte[]> allGather(byte[] mine) {
    RingExchange.checkGatherSize(mine.length);
    return List.of(mine.clone());
  }

  @Override
  public void barrier(String what) {
    requireNonNull(what, "what");
  }

  @Override
  public long bytesSent() {
    return 0;
  }

  @Override
  public void close() {}
}

package org.talespark.zoo.train;

import java.util.function.IntSupplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A worker that steps by itself, and which replica it is. */
record Seat(IntSupplier taken, int replicas, boolean apart) implements Reducer {
  @Override
  public int rank() {
    return 0;
  }

  @Override
  public int workers() {
    return 1;
  }

  @Override
  public void sum(INDArray flat) {}

  @Override
  public int replica() {
    return taken.getAsInt();
  }
}

package org.talespark.zoo.optim;

import org.nd4j.linalg.api.ndarray.INDArray;

/** The workers that make the same update at the same time, and may share its work. */
public interface Peers {
  /** This worker's number among them. */
  int rank();

  /** How many they are. */
  int workers();

  /** Replaces a flat, contiguous array by its sum over all workers, the same to the bit on each. */
  void sum(INDArray flat);

  /** A worker that updates by itself. */
  Peers NONE =
      new Peers() {
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
      };
}

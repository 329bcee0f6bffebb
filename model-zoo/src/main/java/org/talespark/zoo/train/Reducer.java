package org.talespark.zoo.train;

import org.nd4j.linalg.api.ndarray.INDArray;

/** Sums over the workers of a run. All workers call it in the same order. */
public interface Reducer {
  int rank();

  int workers();

  /** Replaces a flat, contiguous array by its sum over all workers, the same to the bit on each. */
  void sum(INDArray flat);

  /** One worker alone. */
  Reducer ALONE =
      new Reducer() {
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

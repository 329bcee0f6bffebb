package org.talespark.jobs.exchange;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Collective operations between the workers of one run. All workers must call the same operations
 * in the same order, with arrays of the same type and length; a worker that differs is reported by
 * its rank.
 *
 * <p>Every wait is limited. A wait that ends without a result, a lost worker or a frame that does
 * not belong ends the exchange: the call throws {@link ExchangeException}, and so does every later
 * call.
 *
 * <p>One thread at a time may call the operations of an exchange.
 */
public interface Exchange extends AutoCloseable {
  /** This worker's number, 0 to {@code workers() - 1}. */
  int rank();

  /** How many workers take part. */
  int workers();

  /**
   * Replaces the array by the sum over all workers, in place; the result is bit-identical on every
   * worker.
   *
   * @param flat rank 1, contiguous, FLOAT or DOUBLE, the same length on every worker; may be a view
   * @throws IllegalArgumentException for an array of another kind
   * @throws ExchangeException when the sum cannot be finished; the array's contents are then
   *     undefined
   */
  void allReduceSum(INDArray flat);

  /**
   * Does the same in the background, in the order of submission. The array may be neither read nor
   * written until {@link Pending#await} has returned.
   */
  Pending allReduceSumAsync(INDArray flat);

  /**
   * Every worker's bytes, by rank.
   *
   * @param mine at most {@link ExchangeConfig#MAX_GATHER_BYTES} bytes; may be of another length on
   *     each worker
   */
  List<byte[]> allGather(byte[] mine);

  /**
   * Returns when every worker has called it with the same name.
   *
   * @param what the name of the point that was reached, for error messages
   */
  void barrier(String what);

  /** Bytes this worker has handed to the network so far, headers included, encryption excluded. */
  long bytesSent();

  /**
   * Tells the other workers that this one is done, and releases ports, connections and threads. May
   * be called twice.
   */
  @Override
  void close();
}

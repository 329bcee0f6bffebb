package org.talespark.jobs.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkConf;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The exchange of a run with several workers. Large arrays go round a ring in chunks (each worker
 * sends and receives twice the array less a share, whatever the number of workers); small ones are
 * summed by recursive doubling, in few steps. Operations run one after the other.
 */
public final class RingExchange implements Exchange {
  private final Mesh mesh;
  private final int rank;
  private final int workers;
  private final Operations operations;
  private final OperationQueue queue;

  private RingExchange(Mesh mesh, int rank, int workers, ExchangeConfig config) {
    this.mesh = mesh;
    this.rank = rank;
    this.workers = workers;
    this.operations = new Operations(mesh, rank, workers, config);
    this.queue = new OperationQueue(mesh, rank, workers, config.timeoutSeconds());
  }

  /**
   * Connects the tasks of a barrier stage; all of them must call it at the same point. The ranks
   * are the partition ids.
   *
   * @param conf the application's configuration: {@code spark.authenticate}, {@code
   *     spark.network.crypto.*} and {@code spark.talespark.io.*} (as {@code spark.shuffle.io.*})
   *     apply
   */
  public static Exchange connect(
      BarrierTaskContext context, SparkConf conf, ExchangeConfig config) {
    int workers = context.getTaskInfos().length;
    return workers == 1 ? new SingleWorker() : BarrierConnector.connect(context, conf, config);
  }

  /**
   * Connects a worker whose mesh listens already.
   *
   * @param mesh is closed with the exchange, also when connecting fails
   * @param run the same on all workers of this run, and on no other
   * @param addresses where each rank listens
   */
  static RingExchange join(
      Mesh mesh, UUID run, int rank, List<InetSocketAddress> addresses, ExchangeConfig config) {
    RingExchange exchange = new RingExchange(mesh, rank, addresses.size(), config);
    try {
      mesh.join(run, rank, addresses, exchange.queue.listener(), config.timeoutSeconds());
    } catch (RuntimeException e) {
      mesh.close();
      throw e;
    }
    return exchange;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int workers() {
    return workers;
  }

  @Override
  public long bytesSent() {
    return mesh.bytesSent();
  }

  @Override
  public void allReduceSum(INDArray flat) {
    allReduceSumAsync(flat).await();
  }

  @Override
  public Pending allReduceSumAsync(INDArray flat) {
    FlatMemory array = FlatMemory.of(flat);
    return queue.submit(sequence -> operations.sum(sequence, array));
  }

  @Override
  public List<byte[]> allGather(byte[] mine) {
    checkGatherSize(mine.length);
    return share(Frame.Kind.GATHER, mine.clone(), "all-gather");
  }

  @Override
  public void barrier(String what) {
    requireNonNull(what, "what");
    List<byte[]> names = share(Frame.Kind.BARRIER, what.getBytes(UTF_8), "barrier '" + what + "'");
    for (int other = 0; other < workers; other++) {
      String name = new String(names.get(other), UTF_8);
      if (!name.equals(what)) {
        ExchangeException e =
            new ExchangeException(
                "Cannot pass barrier: rank %d is at '%s', rank %d at '%s', expected the same on all workers"
                    .formatted(rank, what, other, name),
                other);
        queue.fail(e);
        throw e;
      }
    }
  }

  static void checkGatherSize(int bytes) {
    if (bytes > ExchangeConfig.MAX_GATHER_BYTES) {
      throw new IllegalArgumentException(
          "Cannot gather: bytes=%d, expected at most %d; try allReduceSum for arrays"
              .formatted(bytes, ExchangeConfig.MAX_GATHER_BYTES));
    }
  }

  private List<byte[]> share(Frame.Kind kind, byte[] mine, String name) {
    Queue<List<byte[]>> result = new ArrayDeque<>(1); // filled before the operation is done
    queue.submit(sequence -> operations.share(sequence, kind, mine, name, result::add)).await();
    return result.remove();
  }

  @Override
  public void close() {
    queue.close();
    mesh.close();
  }
}

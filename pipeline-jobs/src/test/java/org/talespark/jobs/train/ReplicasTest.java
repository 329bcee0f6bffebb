package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.Pending;
import org.talespark.jobs.exchange.SingleWorker;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Reducer;

/** Workers in threads, whose replicas are compared. */
class ReplicasTest {

  /** An all-gather between threads. */
  private static final class Threads {
    private final byte[][] parts;
    private final CyclicBarrier barrier;

    Threads(int workers) {
      parts = new byte[workers][];
      barrier = new CyclicBarrier(workers);
    }

    Exchange of(int rank) {
      SingleWorker alone = new SingleWorker();
      return new Exchange() {
        @Override
        public int rank() {
          return rank;
        }

        @Override
        public int workers() {
          return parts.length;
        }

        @Override
        public void allReduceSum(INDArray flat) {
          alone.allReduceSum(flat);
        }

        @Override
        public Pending allReduceSumAsync(INDArray flat) {
          return alone.allReduceSumAsync(flat);
        }

        @Override
        public List<byte[]> allGather(byte[] mine) {
          parts[rank] = mine;
          try {
            barrier.await();
            List<byte[]> all = List.of(parts);
            barrier.await();
            return all;
          } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException(e);
          }
        }

        @Override
        public void barrier(String what) {}

        @Override
        public long bytesSent() {
          return 0;
        }

        @Override
        public void close() {}
      };
    }
  }

  private static Learner learner() {
    return Tiny.config()
        .task()
        .create(
            Tiny.config()
                .learnerContext(Reducer.ALONE, new org.apache.hadoop.conf.Configuration()));
  }

  private static void check(List<Learner> replicas) throws Throwable {
    Threads threads = new Threads(replicas.size());
    ExecutorService pool = Executors.newFixedThreadPool(replicas.size());
    try {
      List<Future<?>> futures = new ArrayList<>();
      for (int r = 0; r < replicas.size(); r++) {
        int rank = r;
        futures.add(pool.submit(() -> Replicas.check(threads.of(rank), replicas.get(rank), 1200)));
      }
      for (Future<?> future : futures) {
        future.get();
      }
    } catch (ExecutionException e) {
      throw e.getCause();
    } finally {
      pool.shutdownNow();
    }
  }

  /** Flips the lowest bit of the mantissa of one element. */
  private static void flip(INDArray flat, long element) {
    float value = flat.getFloat(element);
    flat.putScalar(element, Float.intBitsToFloat(Float.floatToRawIntBits(value) ^ 1));
  }

  @Test
  void oneFlippedBitInOneReplicaIsFoundAndTheReplicaNamed() {
    try (Learner first = learner();
        Learner second = learner();
        Learner third = learner()) {
      List<Learner> replicas = List.of(first, second, third);
      assertThatCode(() -> check(replicas)).doesNotThrowAnyException();
      flip(second.parameters().get(0), second.parameters().get(0).length() / 2);
      assertThatThrownBy(() -> check(replicas))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("step=1200")
          .hasMessageContaining("workers=[1]")
          .hasMessageContaining("the others");
      assertThatThrownBy(() -> check(List.of(first, second)))
          .hasMessageContaining("workers=[0, 1]")
          .hasMessageContaining("each other");
      flip(second.parameters().get(0), second.parameters().get(0).length() / 2);
      flip(third.state().values().iterator().next(), 0);
      assertThatThrownBy(() -> check(replicas)).hasMessageContaining("workers=[2]");
    }
  }
}

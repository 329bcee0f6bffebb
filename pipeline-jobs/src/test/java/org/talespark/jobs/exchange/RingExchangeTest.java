package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.network.sasl.SecretKeyHolder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

@Timeout(60)
class RingExchangeTest {
  /** Small chunks, so that short arrays travel in many; nothing but 8 bytes is small. */
  private static final ExchangeConfig CHUNKY =
      ExchangeConfig.defaults().withSizes(64, 8).withTimeoutSeconds(5);

  private static double[] values(int rank, int length) {
    Random random = new Random(1000L * rank + length);
    return random.doubles(length, -1, 1).toArray();
  }

  private static double[] sums(int workers, int length, DataType type) {
    double[] sum = new double[length];
    for (int rank = 0; rank < workers; rank++) {
      double[] one = values(rank, length);
      for (int i = 0; i < length; i++) {
        sum[i] += type == DataType.FLOAT ? (float) one[i] : one[i];
      }
    }
    return sum;
  }

  @ParameterizedTest
  @CsvSource({
    "2, 1, FLOAT", "2, 2, FLOAT", "2, 3, DOUBLE", "2, 1000, FLOAT", "2, 1001, DOUBLE",
        "2, 32769, FLOAT",
    "3, 1, DOUBLE", "3, 2, FLOAT", "3, 4, DOUBLE", "3, 100, FLOAT", "3, 1001, FLOAT",
        "3, 1003, DOUBLE",
    "4, 97, FLOAT", "4, 3, DOUBLE"
  })
  void sumsAreRightAndTheSameBitsOnEveryWorker(int workers, int length, DataType type)
      throws Exception {
    for (ExchangeConfig config : List.of(CHUNKY, ExchangeConfig.defaults())) {
      try (Loopback loopback = Loopback.of(workers, config)) {
        List<INDArray> results =
            loopback.all(
                exchange -> {
                  INDArray mine =
                      Nd4j.createFromArray(values(exchange.rank(), length)).castTo(type);
                  exchange.allReduceSum(mine);
                  return mine;
                });
        double tolerance = type == DataType.FLOAT ? 1e-6 : 1e-14;
        assertThat(results.get(0).castTo(DataType.DOUBLE).toDoubleVector())
            .containsExactly(sums(workers, length, type), within(tolerance));
        for (INDArray result : results) {
          assertThat(result.data().asBytes()).isEqualTo(results.get(0).data().asBytes());
        }
      }
    }
  }

  @Test
  void aViewIsSummedInPlaceAndItsNeighboursStay() throws Exception {
    for (ExchangeConfig config : List.of(CHUNKY, ExchangeConfig.defaults())) {
      try (Loopback loopback = Loopback.of(2, config)) {
        List<INDArray> wholes =
            loopback.all(
                exchange -> {
                  INDArray whole =
                      Nd4j.valueArrayOf(new long[] {600}, 1.0 + exchange.rank(), DataType.FLOAT);
                  INDArray outer = whole.get(NDArrayIndex.interval(50, 550));
                  INDArray view = outer.get(NDArrayIndex.interval(17, 417));
                  exchange.allReduceSum(view);
                  return whole;
                });
        for (int rank = 0; rank < 2; rank++) {
          float[] result = wholes.get(rank).toFloatVector();
          for (int i = 0; i < result.length; i++) {
            boolean inside = i >= 67 && i < 467;
            assertThat(result[i])
                .as("element %d of rank %d", i, rank)
                .isEqualTo(inside ? 3f : 1f + rank);
          }
        }
      }
    }
  }

  @Test
  void manySumsInTheBackgroundEndInOrderWithTheRightResults() throws Exception {
    int count = 40;
    try (Loopback loopback = Loopback.of(3, ExchangeConfig.defaults().withSizes(4096, 1024))) {
      List<List<INDArray>> results =
          loopback.all(
              exchange -> {
                List<INDArray> arrays = new ArrayList<>();
                List<Pending> pending = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                  long length = 1 + (i * 7919L) % 20_000;
                  INDArray array =
                      Nd4j.valueArrayOf(new long[] {length}, i + exchange.rank(), DataType.FLOAT);
                  arrays.add(array);
                  pending.add(exchange.allReduceSumAsync(array));
                  if (exchange.rank() == 2) {
                    Thread.sleep(2); // one worker is slower
                  }
                }
                pending.forEach(Pending::await);
                pending.forEach(Pending::await);
                return arrays;
              });
      for (List<INDArray> arrays : results) {
        for (int i = 0; i < count; i++) {
          assertThat(arrays.get(i).minNumber().floatValue()).isEqualTo(3f * i + 3);
          assertThat(arrays.get(i).maxNumber().floatValue()).isEqualTo(3f * i + 3);
        }
      }
    }
  }

  @Test
  void aWorkerFarAheadIsHeldBackAndNothingIsLost() throws Exception {
    int length = 12 << 20; // 48 MB: its first step alone is above what is kept for later
    try (Loopback loopback = Loopback.of(2, ExchangeConfig.defaults())) {
      List<INDArray> results =
          loopback.all(
              exchange -> {
                INDArray array = Nd4j.valueArrayOf(new long[] {length}, 1.0, DataType.FLOAT);
                if (exchange.rank() == 1) {
                  Thread.sleep(700);
                }
                exchange.allReduceSum(array);
                exchange.allReduceSum(array);
                return array;
              });
      for (INDArray result : results) {
        assertThat(result.minNumber().floatValue()).isEqualTo(4f);
        assertThat(result.maxNumber().floatValue()).isEqualTo(4f);
      }
    }
  }

  @Test
  void bytesOfAnyLengthAreGatheredByRank() throws Exception {
    try (Loopback loopback = Loopback.of(3, CHUNKY)) {
      List<List<byte[]>> results =
          loopback.all(exchange -> exchange.allGather(new byte[exchange.rank() * 100_000]));
      for (List<byte[]> result : results) {
        assertThat(result).extracting(b -> b.length).containsExactly(0, 100_000, 200_000);
      }
      assertThat(loopback.worker(2).bytesSent()).isGreaterThan(400_000);
      assertThatThrownBy(() -> loopback.worker(0).allGather(new byte[(16 << 20) + 1]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected at most");
    }
  }

  @Test
  void theLargestGatherPasses() throws Exception {
    try (Loopback loopback = Loopback.of(2, ExchangeConfig.defaults())) {
      List<List<byte[]>> results =
          loopback.all(exchange -> exchange.allGather(new byte[ExchangeConfig.MAX_GATHER_BYTES]));
      assertThat(results.get(1).get(0)).hasSize(ExchangeConfig.MAX_GATHER_BYTES);
    }
  }

  @Test
  void barriersOfAnotherNameAreReported() throws Exception {
    try (Loopback loopback = Loopback.of(2, CHUNKY)) {
      loopback.all(
          exchange -> {
            exchange.barrier("start");
            return 0;
          });
      List<String> messages =
          loopback.all(
              exchange -> {
                try {
                  exchange.barrier(exchange.rank() == 0 ? "checkpoint" : "evaluation");
                  return "";
                } catch (ExchangeException e) {
                  return e.getMessage();
                }
              });
      assertThat(messages)
          .allSatisfy(m -> assertThat(m).contains("'checkpoint'").contains("'evaluation'"));
    }
  }

  @Test
  void anArrayOfAnotherLengthIsReportedWithRankAndBothLengths() throws Exception {
    for (ExchangeConfig config : List.of(CHUNKY, ExchangeConfig.defaults())) {
      try (Loopback loopback = Loopback.of(2, config)) {
        List<String> messages =
            loopback.all(
                exchange -> {
                  try {
                    exchange.allReduceSum(Nd4j.zeros(DataType.FLOAT, 100 + exchange.rank()));
                    return "";
                  } catch (ExchangeException e) {
                    return e.getMessage();
                  }
                });
        assertThat(messages).anySatisfy(m -> assertThat(m).contains("100").contains("101"));
        assertThat(messages).noneMatch(String::isEmpty);
      }
    }
  }

  @Test
  void authenticatedAndEncryptedConnectionsCarryTheSameSums() throws Exception {
    Map<String, String> settings =
        Map.of("spark.network.crypto.enabled", "true", "spark.authenticate", "true");
    SecretKeyHolder holder = new Holder("a secret of the application");
    Security security = new Security.Secret("app", holder);
    try (Loopback loopback = Loopback.of(2, CHUNKY, Loopback.conf(settings), security)) {
      List<INDArray> results =
          loopback.all(
              exchange -> {
                INDArray mine = Nd4j.createFromArray(values(exchange.rank(), 5001));
                exchange.allReduceSum(mine);
                return mine;
              });
      assertThat(results.get(0).toDoubleVector())
          .containsExactly(sums(2, 5001, DataType.DOUBLE), within(1e-14));
      assertThat(results.get(1)).isEqualTo(results.get(0));
    }
  }

  @Test
  void arraysThatAreNotFlatAreRefused() throws Exception {
    try (SingleWorker single = new SingleWorker()) {
      assertThatThrownBy(() -> single.allReduceSum(Nd4j.zeros(DataType.FLOAT, 2, 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("rank 1");
      INDArray column = Nd4j.zeros(DataType.FLOAT, 4, 3).getColumn(1);
      assertThatThrownBy(() -> single.allReduceSum(column)).hasMessageContaining("stride 1");
      assertThatThrownBy(() -> single.allReduceSum(Nd4j.zeros(DataType.INT32, 4)))
          .hasMessageContaining("FLOAT or DOUBLE");
    }
  }

  @Test
  void oneWorkerKeepsItsArray() {
    try (SingleWorker single = new SingleWorker()) {
      INDArray array = Nd4j.createFromArray(1f, 2f);
      single.allReduceSum(array);
      single.allReduceSumAsync(array).await();
      single.barrier("end");
      assertThat(array.toFloatVector()).containsExactly(1f, 2f);
      byte[] mine = "a".getBytes(StandardCharsets.UTF_8);
      assertThat(single.allGather(mine)).containsExactly(mine);
      assertThat(single.bytesSent()).isZero();
    }
  }

  private record Holder(String secret) implements SecretKeyHolder {
    @Override
    public String getSaslUser(String appId) {
      return "user";
    }

    @Override
    public String getSecretKey(String appId) {
      return secret;
    }
  }
}

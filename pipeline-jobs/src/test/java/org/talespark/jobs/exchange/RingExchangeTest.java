package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

@Timeout(60)
class RingExchangeTest {
  /** Small chunks, so that short arrays travel in many; nothing but 8 bytes is small. */
  private static final ExchangeConfig CHUNKY =
      ExchangeConfig.defaults().withSizes(64, 8).withTimeoutSeconds(5);

  private static void sum(int workers, ExchangeConfig config, List<Integer> lengths, DataType type)
      throws Exception {
    boolean half = config.wire() == ExchangeConfig.Wire.HALF && type == DataType.FLOAT;
    double tolerance = type == DataType.DOUBLE ? 1e-14 : half ? 2e-3 * workers : 1e-6;
    try (Loopback loopback = Loopback.of(workers, config)) {
      for (int length : lengths) {
        List<INDArray> results =
            loopback.all(
                exchange -> {
                  INDArray mine = Values.array(exchange.rank(), length, type);
                  exchange.allReduceSum(mine);
                  return mine;
                });
        assertThat(results.get(0).castTo(DataType.DOUBLE).toDoubleVector())
            .containsExactly(Values.sums(workers, length, type), within(tolerance));
        for (INDArray result : results) {
          assertThat(Values.bytes(result)).isEqualTo(Values.bytes(results.get(0)));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5})
  void sumsAreRightAndTheSameBitsOnEveryWorker(int workers) throws Exception {
    List<Integer> lengths = List.of(1, 2, 3, 4, 97, 100, 1000, 1001, 1003, 32_769);
    for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
      for (ExchangeConfig.Wire wire : ExchangeConfig.Wire.values()) {
        sum(workers, CHUNKY.withWire(wire), lengths, type);
        sum(workers, ExchangeConfig.defaults().withWire(wire), lengths, type);
        sum(workers, ExchangeConfig.defaults().withSizes(1 << 12, 0).withWire(wire), lengths, type);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {6, 7, 8})
  void smallSumsWorkAmongAnyNumberOfWorkers(int workers) throws Exception {
    sum(workers, ExchangeConfig.defaults(), List.of(1, 2, 1001), DataType.FLOAT);
  }

  @ParameterizedTest
  @EnumSource(ExchangeConfig.Wire.class)
  void whatIsNotFiniteReachesEveryWorkerWithTheSameBits(ExchangeConfig.Wire wire) throws Exception {
    int odd = Float.floatToRawIntBits(Float.NaN) + 77;
    for (ExchangeConfig config : List.of(CHUNKY, ExchangeConfig.defaults())) {
      try (Loopback loopback = Loopback.of(3, config.withWire(wire))) {
        List<INDArray> results =
            loopback.all(
                exchange -> {
                  float[] values = new float[301];
                  values[2] = Float.intBitsToFloat(odd + exchange.rank());
                  values[100] = exchange.rank() == 1 ? Float.POSITIVE_INFINITY : 1;
                  values[300] = exchange.rank() == 2 ? Float.NEGATIVE_INFINITY : 1;
                  INDArray mine = Nd4j.createFromArray(values);
                  exchange.allReduceSum(mine);
                  return mine;
                });
        float[] first = results.get(0).toFloatVector();
        assertThat(first[2]).isNaN();
        assertThat(first[100]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(first[300]).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(first[0]).isZero();
        for (INDArray result : results) {
          assertThat(Values.bytes(result)).isEqualTo(Values.bytes(results.get(0)));
        }
      }
    }
  }

  @Test
  void halfTheBytesTravelInHalfPrecision() throws Exception {
    long[] sent = new long[2];
    for (ExchangeConfig.Wire wire : ExchangeConfig.Wire.values()) {
      try (Loopback loopback = Loopback.of(2, ExchangeConfig.defaults().withWire(wire))) {
        loopback.all(
            exchange -> {
              exchange.allReduceSum(Nd4j.ones(DataType.FLOAT, 1_000_000));
              return 0;
            });
        sent[wire.ordinal()] = loopback.worker(0).bytesSent();
      }
    }
    assertThat(sent[0]).isBetween(4_000_000L, 4_010_000L);
    assertThat(sent[1]).isBetween(2_000_000L, 2_010_000L);
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
}

package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LargeGatherTest {

  @Test
  void bytesOfAnyLengthArriveWhole() throws Exception {
    byte[][] sent = {new byte[1000], new byte[0], new byte[333]};
    Arrays.stream(sent).forEach(new Random(1)::nextBytes);
    try (Loopback workers = Loopback.of(3, ExchangeConfig.defaults())) {
      List<List<byte[]>> all =
          workers.all(exchange -> LargeGather.of(exchange, sent[exchange.rank()], 100));
      for (List<byte[]> received : all) {
        assertThat(received).containsExactly(sent);
      }
    }
  }

  @Test
  void aWorkerAloneGetsItsOwn() {
    byte[] mine = {1, 2, 3};
    try (Exchange alone = new SingleWorker()) {
      assertThat(LargeGather.of(alone, mine)).containsExactly(mine);
    }
  }
}

package org.talespark.jobs.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.talespark.jobs.sharing.SharedMessage.Malformed;

class SharedMessageTest {
  private static final int WORKERS = 3;

  private static int[] update(boolean bitmap, int count, int... body) {
    EncodedUpdate update = new EncodedUpdate(bitmap, 0.5f, 20, count, body);
    return SharedMessage.update(-5L << 20, 2, 1L << 40, update).toInts();
  }

  @Test
  void aMessageIsReadAsItWasWritten() throws Malformed {
    SharedMessage read = SharedMessage.parse(update(false, 3, 1, -20, 7), WORKERS);

    assertThat(read.run()).isEqualTo(-5L << 20);
    assertThat(read.rank()).isEqualTo(2);
    assertThat(read.step()).isEqualTo(1L << 40);
    assertThat(read.update().threshold()).isEqualTo(0.5f);
    assertThat(read.update().length()).isEqualTo(20);
    assertThat(read.update().body()).containsExactly(1, -20, 7);
    assertThat(SharedMessage.parse(update(true, 2, 0b1001, 0), WORKERS).update().bitmap()).isTrue();
    assertThat(SharedMessage.parse(SharedMessage.beat(1, 0, 2).toInts(), WORKERS).count())
        .isEqualTo(2);
  }

  @Test
  void updatesThatWouldFailWhenAppliedAreRefused() {
    refused(update(false, 1, 0));
    refused(update(false, 1, 21));
    refused(update(false, 1, -21));
    refused(update(false, 1, Integer.MIN_VALUE));
    refused(update(false, 2, 1));
    refused(update(true, 2, 0b11, 0));
    refused(update(true, 1, 0b1001, 0));
    refused(update(true, 1, 1));
    refused(update(true, 1, 0, 1 << 8));
    int[] threshold = update(false, 1, 1);
    threshold[8] = Float.floatToIntBits(Float.NaN);
    refused(threshold);
  }

  @Test
  void messagesThatWereBentAreRefusedOrHarmless() {
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      int[] bent = update(i % 2 == 0, 2, 0b1001, i % 2 == 0 ? 0 : 3);
      bent[random.nextInt(bent.length)] = random.nextInt() >> random.nextInt(32);
      try {
        SharedMessage message = SharedMessage.parse(bent, WORKERS);
        assertThat(message.rank()).isBetween(0, WORKERS);
        assertThat(!message.isUpdate() || message.update().fault() == null).isTrue();
      } catch (Malformed e) {
        assertThat(e).hasMessageNotContaining("null");
      }
    }
  }

  private static void refused(int[] message) {
    assertThatExceptionOfType(Malformed.class)
        .isThrownBy(() -> SharedMessage.parse(message, WORKERS));
  }
}

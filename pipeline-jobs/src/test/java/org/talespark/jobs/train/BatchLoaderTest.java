package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.zoo.train.Batch;

@Timeout(60)
class BatchLoaderTest {
  private static final int[] COUNTS = {7, 5, 6, 7, 5, 6, 3, 1};
  private static final int SAMPLES = 40;
  private static final Augment ALL =
      new Augment(
          true, new Augment.Crop(List.of(0.3, 1.0), null), new Augment.Color(0.4, 0.4, 0.4, 0.1));

  @TempDir private Path folder;
  private final Configuration hadoop = new Configuration();

  private Dataset dataset() throws IOException {
    return Shards.dataset(folder.resolve("dataset"), COUNTS);
  }

  private static BatchLoader loader(
      SampleStore store, TrainConfig.Data data, int batch, int rank, int workers) {
    return new BatchLoader(store, data, 3, batch, rank, workers, true);
  }

  @Test
  void aBatchHoldsWhatTheOrderSays() throws Exception {
    TrainConfig.Data data = Shards.data(folder, 16, 1, null);
    try (SampleStore store = SampleStore.open(dataset(), Split.TRAIN, hadoop, data);
        BatchLoader loader = loader(store, data, 8, 0, 1)) {
      assertThat(store.size()).isEqualTo(SAMPLES);
      SampleOrder order = SampleOrder.of(store.shards(), 3, 16);
      for (long position = 0; position < 2 * SAMPLES; position += 8) {
        Batch batch = loader.at(position);
        for (int i = 0; i < 8; i++) {
          SampleOrder.Place place = order.at(position + i);
          assertThat(batch.keys().get(i)).isEqualTo(Shards.key(place.shard(), place.index()));
          assertThat(batch.captions().get(i)).isEqualTo("caption of " + batch.keys().get(i));
          int each = 3 * Shards.SIZE * Shards.SIZE;
          assertThat(Arrays.copyOfRange(batch.pictures(), i * each, (i + 1) * each))
              .isEqualTo(
                  Images.decodePlanar(Shards.picture(place.shard(), place.index()), Shards.SIZE));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 5})
  void batchesAreTheSameWhateverTheNumberOfThreadsAndTheWayToThePosition(int threads)
      throws Exception {
    TrainConfig.Data one = Shards.data(folder, 16, 1, ALL);
    TrainConfig.Data many = Shards.data(folder, 16, threads, ALL);
    try (SampleStore store = SampleStore.open(dataset(), Split.TRAIN, hadoop, one);
        BatchLoader plain = loader(store, one, 4, 0, 1);
        BatchLoader parallel = loader(store, many, 4, 0, 1)) {
      for (long position : new long[] {0, 4, 8, 12, 400, 404, 36, 40, 44, 0}) {
        Batch expected = plain.at(position);
        Batch found = parallel.at(position);
        assertThat(found.keys()).isEqualTo(expected.keys());
        assertThat(found.pictures()).isEqualTo(expected.pictures());
        for (float value : found.pictures()) {
          assertThat(value).isBetween(-1f, 1f);
        }
      }
      assertThat(plain.at(4).pictures()).isNotEqualTo(plain.at(44).pictures());
    }
  }

  @Test
  void theBatchesOfTwoWorkersAreTheBatchOfOne() throws Exception {
    TrainConfig.Data data = Shards.data(folder, 16, 2, ALL);
    try (SampleStore store = SampleStore.open(dataset(), Split.TRAIN, hadoop, data);
        BatchLoader whole = loader(store, data, 8, 0, 1);
        BatchLoader first = loader(store, data, 4, 0, 2);
        BatchLoader second = loader(store, data, 4, 1, 2)) {
      for (long position = 0; position < 96; position += 8) {
        Batch all = whole.at(position);
        Batch a = first.at(position);
        Batch b = second.at(position);
        assertThat(Stream.concat(a.keys().stream(), b.keys().stream()))
            .containsExactlyElementsOf(all.keys());
        int half = a.pictures().length;
        assertThat(a.pictures()).isEqualTo(Arrays.copyOf(all.pictures(), half));
        assertThat(b.pictures()).isEqualTo(Arrays.copyOfRange(all.pictures(), half, 2 * half));
      }
    }
  }

  @Test
  void aCacheThatHoldsTooLittleCostsTimeAndNothingElse() throws Exception {
    Dataset dataset = dataset();
    TrainConfig.Data roomy = Shards.data(folder, 16, 1, null);
    long largest =
        dataset.shards(Split.TRAIN).stream().mapToLong(shard -> shard.bytes()).max().orElseThrow();
    TrainConfig.Data tight =
        new TrainConfig.Data(
            Shards.SIZE,
            false,
            1,
            16,
            3,
            4,
            20,
            new TrainConfig.Cache(2 * largest, folder.resolve("tight").toString()),
            null);
    try (SampleStore store = SampleStore.open(dataset, Split.TRAIN, hadoop, roomy);
        SampleStore small = SampleStore.open(dataset, Split.TRAIN, hadoop, tight);
        SampleStore shared = SampleStore.open(dataset, Split.TRAIN, hadoop, tight);
        BatchLoader expected = loader(store, roomy, 8, 0, 1);
        BatchLoader first = loader(small, tight, 4, 0, 2);
        BatchLoader second = loader(shared, tight, 4, 1, 2)) {
      assertThat(shared.cache()).isSameAs(small.cache());
      for (long position = 0; position < 3 * SAMPLES; position += 8) {
        List<String> keys = new ArrayList<>(first.at(position).keys());
        keys.addAll(second.at(position).keys());
        assertThat(keys).isEqualTo(expected.at(position).keys());
        assertThat(small.cache().usedBytes()).isLessThanOrEqualTo(2 * largest);
      }
      assertThat(small.cache().shardsRead()).isGreaterThan(COUNTS.length);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 16})
  void resumedWithOtherNumbersOfWorkersEverySampleIsSeenOnceAnEpoch(int window) throws Exception {
    TrainConfig.Data data = Shards.data(folder, window, 1, null);
    List<String> seen = new ArrayList<>();
    long position = 0;
    int[][] phases = {{2, 3}, {1, 5}, {2, 4}, {1, 4}, {3, 6}, {2, 8}}; // workers, steps
    try (SampleStore store = SampleStore.open(dataset(), Split.TRAIN, hadoop, data)) {
      for (int[] phase : phases) {
        List<BatchLoader> loaders = new ArrayList<>();
        for (int rank = 0; rank < phase[0]; rank++) {
          loaders.add(loader(store, data, 2, rank, phase[0]));
        }
        for (int step = 0; step < phase[1]; step++) {
          for (BatchLoader loader : loaders) {
            seen.addAll(loader.at(position).keys());
          }
          position += 2L * phase[0];
        }
        loaders.forEach(BatchLoader::close);
      }
    }
    assertThat(position).isGreaterThan(2 * SAMPLES);
    for (int epoch = 0; epoch < 2; epoch++) {
      Map<String, Integer> counted = new HashMap<>();
      seen.subList(epoch * SAMPLES, (epoch + 1) * SAMPLES)
          .forEach(key -> counted.merge(key, 1, Integer::sum));
      assertThat(counted).hasSize(SAMPLES);
      assertThat(counted.values()).containsOnly(1);
    }
  }

  @Test
  void learnersWithoutPicturesGetKeysAndCaptionsAlone() throws Exception {
    TrainConfig.Data data = Shards.data(folder, 16, 1, ALL);
    try (SampleStore store = SampleStore.open(dataset(), Split.TRAIN, hadoop, data);
        BatchLoader seeing = loader(store, data, 4, 0, 1);
        BatchLoader blind = new BatchLoader(store, data, 3, 4, 0, 1, false)) {
      Batch batch = blind.at(4);
      assertThat(batch.pictures()).isEmpty();
      assertThat(batch.keys()).isEqualTo(seeing.at(4).keys());
      assertThat(batch.captions()).allMatch(caption -> caption.startsWith("caption of "));
      assertThat(store.batch(List.of(0, 1), false).pictures()).isEmpty();
    }
  }

  @Test
  void evaluationReadsTheFirstSamplesInTheirOrderAndNoOtherShard() throws Exception {
    TrainConfig.Data data = Shards.data(folder, 16, 1, ALL);
    try (SampleStore store = SampleStore.open(dataset(), Split.TRAIN, hadoop, data)) {
      Batch batch = store.batch(List.of(0, 6, 7), true);
      assertThat(batch.keys())
          .containsExactly(Shards.key(0, 0), Shards.key(0, 6), Shards.key(1, 0));
      assertThat(Arrays.copyOf(batch.pictures(), 3 * Shards.SIZE * Shards.SIZE))
          .isEqualTo(Images.decodePlanar(Shards.picture(0, 0), Shards.SIZE));
      assertThat(store.cache().shardsRead()).isEqualTo(2);
      assertThatThrownBy(() -> store.batch(List.of(SAMPLES), true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected 0 to 39");
    }
  }

  @Test
  void aPictureThatCannotBeDecodedIsNamedWhenItsTurnComesAndNotBefore() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      for (int i = 0; i < 8; i++) {
        byte[] picture = i == 5 ? new byte[] {1, 2, 3} : Shards.picture(0, i);
        Shards.add(tar, Shards.key(0, i) + ".png", picture);
        Shards.add(tar, Shards.key(0, i) + ".txt", new byte[] {65});
        Shards.add(tar, Shards.key(0, i) + ".json", new byte[] {'{', '}'});
      }
    }
    Dataset dataset = Shards.dataset(folder.resolve("dataset"), List.of(bytes.toByteArray()), 8);
    TrainConfig.Data data = Shards.data(folder, 16, 2, null);
    try (SampleStore store = SampleStore.open(dataset, Split.TRAIN, hadoop, data);
        BatchLoader loader = loader(store, data, 2, 0, 1)) {
      SampleOrder order = SampleOrder.of(store.shards(), 3, 16);
      for (long position = 0; position < 32; position += 2) {
        long at = position;
        if (order.at(at).index() == 5 || order.at(at + 1).index() == 5) {
          assertThatThrownBy(() -> loader.at(at))
              .isInstanceOf(BadInputException.class)
              .hasMessageContaining("key=" + Shards.key(0, 5))
              .hasMessageContaining("00000.tar")
              .hasMessageContaining("reason=unsupported_format");
        } else {
          assertThat(loader.at(at).size()).isEqualTo(2);
        }
      }
    }
  }

  @Test
  void aDamagedShardIsNamed() throws Exception {
    Dataset dataset = dataset();
    Path file = folder.resolve("dataset/shards/00002.tar");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    TrainConfig.Data data = Shards.data(folder, 16, 1, null);
    try (SampleStore store = SampleStore.open(dataset, Split.TRAIN, hadoop, data);
        BatchLoader loader = loader(store, data, 8, 0, 1)) {
      assertThatThrownBy(
              () -> {
                for (long position = 0; position < SAMPLES; position += 8) {
                  loader.at(position);
                }
              })
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("00002.tar")
          .hasMessageContaining("sha256");
    }
  }

  private static List<Thread> threads(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(name) && thread.isAlive())
        .toList();
  }

  @Test
  void closingEndsTheThreadsAndWhoeverWaits() throws Exception {
    Configuration odd = OddFileSystem.configuration();
    OddFileSystem.gate = new CountDownLatch(1);
    dataset();
    Dataset hanging =
        Dataset.open(
            folder.resolve("dataset").toUri().toString().replaceFirst("^file:/*", "odd:///"), odd);
    TrainConfig.Data data = Shards.data(folder, 16, 3, null);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    SampleStore store = SampleStore.open(hanging, Split.TRAIN, odd, data);
    BatchLoader loader = loader(store, data, 4, 7, 9);
    Thread waiting =
        new Thread(
            () -> {
              try {
                loader.at(0);
              } catch (RuntimeException | InterruptedException e) {
                thrown.set(e);
              }
            });
    waiting.start();
    while (loader.ready() > 0 || threads("batch-loader-7-").size() < 3) {
      Thread.sleep(5);
    }
    loader.close();
    waiting.join(TimeUnit.SECONDS.toMillis(10));
    assertThat(thrown.get())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThat(threads("batch-loader-7-")).isEmpty();
    assertThatThrownBy(() -> loader.at(0)).isInstanceOf(IllegalStateException.class);
    store.close();
    assertThat(threads("shard-reader")).isEmpty();
  }

  @Test
  void anInterruptedWaitEndsAndTheLoaderGoesOnAfterwards() throws Exception {
    TrainConfig.Data data = Shards.data(folder, 16, 1, null);
    try (SampleStore store = SampleStore.open(dataset(), Split.TRAIN, hadoop, data);
        BatchLoader loader = loader(store, data, 4, 0, 1)) {
      List<String> expected = loader.at(0).keys();
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> loader.at(400)).isInstanceOf(InterruptedException.class);
      assertThat(loader.at(0).keys()).isEqualTo(expected);
      assertThat(loader.at(4).size()).isEqualTo(4);
      assertThat(loader.waitedSeconds()).isPositive();
    }
  }

  @Test
  void batchesAreReadyAheadUpToTheLimit() throws Exception {
    TrainConfig.Data data = Shards.data(folder, 16, 1, null);
    try (SampleStore store = SampleStore.open(dataset(), Split.TRAIN, hadoop, data);
        BatchLoader loader = loader(store, data, 4, 0, 1)) {
      loader.at(0);
      while (loader.ready() < data.prefetch()) {
        Thread.sleep(5);
      }
      Thread.sleep(50);
      assertThat(loader.ready()).isEqualTo(data.prefetch());
    }
  }
}

package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.talespark.data.BadInputException;
import org.talespark.data.Sha256;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.Split;

@Timeout(30)
class ShardCacheTest {
  private static final Duration LONG = Duration.ofSeconds(20);

  @TempDir private Path folder;
  private Configuration hadoop;

  @BeforeEach
  void configure() {
    hadoop = OddFileSystem.configuration();
  }

  private List<Shard> shards(int... counts) throws IOException {
    return Shards.dataset(folder.resolve("dataset"), counts).shards(Split.TRAIN).stream()
        .map(ShardCacheTest::odd)
        .toList();
  }

  private static Shard odd(Shard shard) {
    return new Shard(
        shard.uri().replaceFirst("^file:/*", "odd:///"),
        shard.split(),
        shard.samples(),
        shard.bytes(),
        shard.sha256());
  }

  private Path file(int shard) {
    return folder.resolve("dataset/shards/%05d.tar".formatted(shard));
  }

  private ShardCache cache(long limit) {
    return ShardCache.share(folder.resolve("cache"), limit);
  }

  private long cachedBytes() throws IOException {
    try (Stream<Path> all = Files.walk(folder.resolve("cache"))) {
      return all.filter(path -> path.toString().endsWith(".tar"))
          .mapToLong(path -> path.toFile().length())
          .sum();
    }
  }

  private static void read(ShardCache cache, Shard shard, Configuration hadoop)
      throws InterruptedException {
    cache.lease(shard, hadoop, LONG).close();
  }

  @Test
  void aShardIsReadOnceAndItsSamplesAreWhatWasWritten() throws Exception {
    List<Shard> shards = shards(3, 2);
    try (ShardCache cache = cache(1 << 20);
        ShardCache same = cache(1 << 20)) {
      assertThat(same).isSameAs(cache);
      for (int i = 0; i < 3; i++) {
        try (ShardCache.Lease lease = cache.lease(shards.get(0), hadoop, LONG)) {
          assertThat(lease.shard().entry(i).key()).isEqualTo(Shards.key(0, i));
          assertThat(lease.shard().entry(i).caption()).isEqualTo("caption of " + Shards.key(0, i));
          assertThat(lease.shard().picture(i)).isEqualTo(Shards.picture(0, i));
        }
      }
      assertThat(OddFileSystem.OPENED).hasValue(1);
      assertThat(cachedBytes()).isEqualTo(shards.get(0).bytes()).isEqualTo(cache.usedBytes());
    }
    assertThat(folder.resolve("cache")).isEmptyDirectory();
  }

  @Test
  void aShardOfAnotherChecksumIsRefusedByNameAndNotKept() throws Exception {
    List<Shard> shards = shards(3);
    byte[] bytes = Files.readAllBytes(file(0));
    bytes[600] ^= 1;
    Files.write(file(0), bytes);
    try (ShardCache cache = cache(1 << 20)) {
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> read(cache, shards.get(0), hadoop))
            .isInstanceOf(BadInputException.class)
            .hasMessageContaining("00000.tar")
            .hasMessageContaining("sha256=" + shards.get(0).sha256());
      }
      assertThat(cache.usedBytes()).isZero();
      assertThat(cachedBytes()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 511, 512, 4000})
  void aShardThatIsCutShortIsRefused(int length) throws Exception {
    List<Shard> shards = shards(3);
    Files.write(file(0), Arrays.copyOf(Files.readAllBytes(file(0)), length));
    try (ShardCache cache = cache(1 << 20)) {
      assertThatThrownBy(() -> read(cache, shards.get(0), hadoop))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("bytes=" + length + " ");
    }
  }

  @Test
  void aShardThatIsTooLongOrMissingIsRefused() throws Exception {
    List<Shard> shards = shards(3, 1);
    Files.write(file(0), Arrays.copyOf(Files.readAllBytes(file(0)), 9_000_000));
    Files.delete(file(1));
    try (ShardCache cache = cache(1 << 20)) {
      assertThatThrownBy(() -> read(cache, shards.get(0), hadoop))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("bytes=at least ");
      assertThatThrownBy(() -> read(cache, shards.get(1), hadoop))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("00001.tar does not exist");
    }
  }

  @Test
  void aShardWithTheRightChecksumAndTheWrongContentIsRefused() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      Shards.add(tar, "a.png", new byte[] {1});
      Shards.add(tar, "b.txt", new byte[] {65});
    }
    Shards.dataset(folder.resolve("dataset"), List.of(bytes.toByteArray()), 1);
    Shard lacking =
        new Shard(
            file(0).toUri().toString(),
            Split.TRAIN,
            1,
            bytes.size(),
            Sha256.hex(bytes.toByteArray()));
    try (ShardCache cache = cache(1 << 20)) {
      assertThatThrownBy(() -> read(cache, lacking, hadoop))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("key=a lacks a picture or caption");
      Shard counted = shards(3).get(0);
      Shard more = new Shard(counted.uri(), Split.TRAIN, 4, counted.bytes(), counted.sha256());
      assertThatThrownBy(() -> read(cache, more, hadoop))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("samples=3, expected 4");
    }
  }

  @Test
  void theLimitHoldsAndTheShardThatWasNotUsedForLongestGoes() throws Exception {
    List<Shard> shards = shards(2, 2, 2, 2);
    long each = shards.get(0).bytes();
    assertThat(shards).allMatch(shard -> shard.bytes() == each);
    try (ShardCache cache = cache(2 * each + each / 2)) {
      read(cache, shards.get(0), hadoop);
      read(cache, shards.get(1), hadoop);
      read(cache, shards.get(0), hadoop);
      read(cache, shards.get(2), hadoop); // in place of 1
      assertThat(OddFileSystem.OPENED).hasValue(3);
      assertThat(cachedBytes()).isEqualTo(2 * each);
      read(cache, shards.get(0), hadoop);
      assertThat(OddFileSystem.OPENED).hasValue(3);
      read(cache, shards.get(1), hadoop);
      assertThat(OddFileSystem.OPENED).hasValue(4);
      for (int i = 0; i < 20; i++) {
        read(cache, shards.get(i % 4), hadoop);
        assertThat(cachedBytes()).isLessThanOrEqualTo(2 * each);
      }
    }
  }

  @Test
  void aShardThatIsHeldStaysAndTheNextOneWaitsForRoom() throws Exception {
    List<Shard> shards = shards(2, 2);
    try (ShardCache cache = cache(shards.get(0).bytes())) {
      ShardCache.Lease held = cache.lease(shards.get(0), hadoop, LONG);
      assertThatThrownBy(() -> cache.lease(shards.get(1), hadoop, Duration.ofMillis(300)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("waited")
          .hasMessageContaining("00001.tar");
      assertThat(held.shard().picture(1)).isEqualTo(Shards.picture(0, 1));
      held.close();
      read(cache, shards.get(1), hadoop);
    }
  }

  @Test
  void aShardThatIsLargerThanTheCacheIsRefused() throws Exception {
    List<Shard> shards = shards(2);
    try (ShardCache cache = cache(100)) {
      assertThatThrownBy(() -> read(cache, shards.get(0), hadoop))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("data.cache.bytes=100");
    }
  }

  @Test
  void readingAheadTakesFreeRoomAndWhatWasUsedButNothingThatWaitsForItsUse() throws Exception {
    List<Shard> shards = shards(2, 2, 2);
    try (ShardCache cache = cache(2 * shards.get(0).bytes())) {
      cache.prefetch(shards.get(0), hadoop);
      cache.prefetch(shards.get(1), hadoop);
      cache.prefetch(shards.get(2), hadoop);
      read(cache, shards.get(0), hadoop);
      read(cache, shards.get(1), hadoop);
      assertThat(OddFileSystem.OPENED).hasValue(2);
      cache.prefetch(shards.get(2), hadoop);
      read(cache, shards.get(2), hadoop);
      assertThat(cache.shardsRead()).isEqualTo(3);
    }
  }

  @Test
  void manyReadersOfATightCacheAllGetTheirShards() throws Exception {
    List<Shard> shards = shards(2, 2, 2, 2, 2, 2, 2, 2);
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try (ShardCache cache = cache(2 * shards.get(0).bytes())) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        SplittableRandom random = new SplittableRandom(i);
        all.add(
            threads.submit(
                () -> {
                  for (int j = 0; j < 100; j++) {
                    cache.prefetch(shards.get(random.nextInt(8)), hadoop);
                    int wanted = random.nextInt(8);
                    try (ShardCache.Lease lease = cache.lease(shards.get(wanted), hadoop, LONG)) {
                      assertThat(lease.shard().picture(1)).isEqualTo(Shards.picture(wanted, 1));
                      assertThat(cache.usedBytes()).isLessThanOrEqualTo(2 * shards.get(0).bytes());
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> each : all) {
        each.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aFileSystemThatFailsTwiceIsAskedAgainAndThenGivenUp() throws Exception {
    List<Shard> shards = shards(2);
    try (ShardCache cache = cache(1 << 20)) {
      OddFileSystem.FAILURES.set(2);
      read(cache, shards.get(0), hadoop);
      assertThat(OddFileSystem.OPENED).hasValue(3);
    }
    try (ShardCache cache = cache(1 << 20)) {
      OddFileSystem.FAILURES.set(3);
      assertThatThrownBy(() -> read(cache, shards.get(0), hadoop))
          .hasMessageContaining("00000.tar")
          .hasRootCauseMessage("the network is down");
      read(cache, shards.get(0), hadoop);
    }
  }

  @Test
  void aFileSystemThatHangsIsNotWaitedForBeyondTheLimitNorByClose() throws Exception {
    List<Shard> shards = shards(2);
    OddFileSystem.gate = new CountDownLatch(1);
    try (ShardCache cache = cache(1 << 20)) {
      assertThatThrownBy(() -> cache.lease(shards.get(0), hadoop, Duration.ofMillis(200)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("00000.tar");
    }
    assertThat(folder.resolve("cache")).isEmptyDirectory();
  }

  @Test
  void whatAKilledProcessLeftIsDeletedAndWhatALivingOneHoldsIsNot() throws Exception {
    Path dead = folder.resolve("cache/talespark-shards-dead");
    Files.createDirectories(dead);
    Files.writeString(dead.resolve("000001.tar"), "old");
    Files.createFile(folder.resolve("cache/talespark-shards-dead.lock"));
    Path other = Files.createFile(folder.resolve("cache/notes.txt"));
    try (ScratchDirectory living = ScratchDirectory.below(folder.resolve("cache"));
        ScratchDirectory second = ScratchDirectory.below(folder.resolve("cache"))) {
      assertThat(dead).doesNotExist();
      assertThat(living.path()).isDirectory().isNotEqualTo(second.path());
      assertThat(other).exists();
    }
    List<Path> left = new ArrayList<>();
    try (Stream<Path> all = Files.list(folder.resolve("cache"))) {
      all.forEach(left::add);
    }
    assertThat(left).containsExactly(other);
  }
}

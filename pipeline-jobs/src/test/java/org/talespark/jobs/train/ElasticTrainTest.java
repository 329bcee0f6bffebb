package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.cluster.Sessions;

/** A run that goes on with other numbers of workers, each in a thread of this process. */
@Timeout(180)
class ElasticTrainTest {
  private static final String MASTER = "local[2]";
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());

  @TempDir private Path folder;

  /** Keys of the batches that workers were given, by position and rank. */
  private static final class Keys extends AbstractAppender {
    private final Map<Long, Map<Integer, List<String>>> byPosition = new ConcurrentSkipListMap<>();

    Keys() {
      super("keys", null, null, true, Property.EMPTY_ARRAY);
    }

    @Override
    public void append(LogEvent event) {
      Object[] values = event.getMessage().getParameters();
      Map<Integer, List<String>> ranks =
          byPosition.computeIfAbsent((Long) values[0], position -> new ConcurrentSkipListMap<>());
      List<String> keys = ((List<?>) values[2]).stream().map(Object::toString).toList();
      assertThat(ranks.put((Integer) values[1], keys)).isNull();
    }

    List<String> inOrder() {
      return byPosition.values().stream()
          .flatMap(ranks -> ranks.values().stream())
          .flatMap(List::stream)
          .toList();
    }
  }

  private static List<String> keysOf(Path dataset, SparkSession session) {
    List<String> keys = new ArrayList<>();
    for (Shard shard :
        Dataset.open(Tiny.uri(dataset), session.sessionState().newHadoopConf())
            .shards(Split.TRAIN)) {
      try (ShardReader reader = shard.open(session.sessionState().newHadoopConf())) {
        while (reader.hasNext()) {
          keys.add(reader.next().key());
        }
      }
    }
    return keys;
  }

  @Test
  void everySampleIsSeenOnceAnEpochWhenTwoWorkersBecomeOneAndTwoAgain() throws IOException {
    Path dataset = Tiny.dataset(folder);
    Keys seen = new Keys();
    Logger logger = (Logger) LogManager.getLogger(BatchLoader.class);
    Level usual = logger.getLevel();
    seen.start();
    logger.addAppender(seen);
    logger.setLevel(Level.TRACE);
    logger.setAdditive(false);
    try (SparkSession session = Sessions.open(MASTER, "elastic", Sessions.defaultConfig(MASTER))) {
      List<String> expected = keysOf(dataset, session);
      int samples = expected.size();
      long steps = 0;
      long position = 0;
      for (int workers : new int[] {2, 1, 2, 1}) {
        steps += 3;
        position += 3L * 4 * workers;
        train(session, dataset, workers, steps);
      }
      steps += (2L * samples - position + 3) / 4;
      train(session, dataset, 1, steps);

      List<String> keys = seen.inOrder();
      assertThat(keys).hasSizeGreaterThanOrEqualTo(2 * samples);
      assertThat(keys.subList(0, samples)).containsExactlyInAnyOrderElementsOf(expected);
      assertThat(keys.subList(samples, 2 * samples))
          .containsExactlyInAnyOrderElementsOf(expected)
          .isNotEqualTo(keys.subList(0, samples));
      Map<String, Long> counted =
          keys.subList(0, 2 * samples).stream()
              .collect(Collectors.groupingBy(key -> key, TreeMap::new, Collectors.counting()));
      assertThat(counted.values()).containsOnly(2L);
    } finally {
      logger.setAdditive(true);
      logger.setLevel(usual);
      logger.removeAppender(seen);
      seen.stop();
    }
  }

  private void train(SparkSession session, Path dataset, int workers, long steps)
      throws IOException {
    List<String> settings =
        Arrays.asList(
            "train.steps=" + steps,
            "train.workers=" + workers,
            "train.checkpoint_every=1000",
            "data.shuffle_window=10",
            "data.decode_threads=2",
            "data.augment={crop: {scale: [0.5, 1]}, color: {hue: 0.1}}");
    TrainJob.Result result =
        new TrainJob(
                Tiny.config(settings.toArray(String[]::new)),
                Tiny.uri(dataset),
                Tiny.uri(folder.resolve("run")),
                null,
                true,
                SILENT)
            .run(session);
    assertThat(result.step()).isEqualTo(steps);
  }
}

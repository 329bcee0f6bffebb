package org.talespark.jobs.train;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkEnv;
import org.apache.spark.util.Utils;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.data.image.PictureException;
import org.talespark.jobs.latents.LatentFile;
import org.talespark.jobs.latents.LatentSet;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.LatentSpace;

/**
 * The samples of one split. Opening it reads nothing but the manifest; a shard is read when a
 * sample of it is first wanted, and its checksum compared on the way (see {@link ShardCache}).
 * Thread-safe.
 */
final class SampleStore implements AutoCloseable {

  /**
   * A sample as it is stored.
   *
   * @param picture a file's bytes, or null when none was asked for
   */
  @SuppressWarnings("ArrayRecordComponent") // a file's bytes, compared by nobody
  record Stored(String key, String caption, byte[] picture) {}

  private final List<Shard> shards;
  private final long samples;
  private final Configuration hadoop;
  private final TrainConfig.Data data;
  private final LatentSpace space; // null for pictures
  private final ShardCache cache;

  private SampleStore(
      List<Shard> shards,
      long samples,
      Configuration hadoop,
      TrainConfig.Data data,
      LatentSpace space) {
    this.shards = shards;
    this.samples = samples;
    this.hadoop = hadoop;
    this.data = data;
    this.space = space;
    this.cache = ShardCache.share(directory(data.cache()), data.cache().bytes());
  }

  /**
   * Opens a split. The copies of its shards lie in {@code data.cache.directory}, else in the local
   * directory of this executor, which Spark removes whatever happens.
   *
   * @throws BadInputException when the split is empty
   */
  static SampleStore open(
      Dataset dataset, Split split, Configuration hadoop, TrainConfig.Data data) {
    return open(dataset.uri(), dataset.shards(split), split, null, hadoop, data);
  }

  /** Opens a split of what a run is trained on: a dataset, or the latents of one. */
  static SampleStore open(
      TrainConfig config, RunOptions options, Split split, Configuration hadoop) {
    if (config.task().firstStageOfPictures().isEmpty()) {
      return open(Dataset.open(options.dataset(), hadoop), split, hadoop, config.data());
    }
    LatentSet latents = LatentSet.open(options.dataset(), hadoop);
    return open(
        latents.uri(), latents.shards(split), split, latents.space(), hadoop, config.data());
  }

  private static SampleStore open(
      String uri,
      List<Shard> shards,
      Split split,
      LatentSpace space,
      Configuration hadoop,
      TrainConfig.Data data) {
    requireNonNull(hadoop, "hadoop");
    requireNonNull(data, "data");
    long samples = shards.stream().mapToLong(Shard::samples).sum();
    if (samples == 0) {
      throw new BadInputException(
          "Cannot use dataset: dataset=%s split=%s has no samples, expected at least one; prepare with more pictures or a larger share for this split"
              .formatted(uri, split.id()));
    }
    return new SampleStore(shards, samples, hadoop, data, space);
  }

  private static Path directory(TrainConfig.Cache config) {
    if (config.directory() != null) {
      return Path.of(config.directory());
    }
    return Path.of(
        SparkEnv.get() == null
            ? System.getProperty("java.io.tmpdir")
            : Utils.getLocalDir(SparkEnv.get().conf()));
  }

  /** Samples of the split. */
  long size() {
    return samples;
  }

  List<Shard> shards() {
    return shards;
  }

  ShardCache cache() {
    return cache;
  }

  /** Numbers of a decoded picture or latent. */
  int elements() {
    return space == null ? 3 * data.size() * data.size() : space.elements();
  }

  /** A latent, or nothing where samples are pictures. */
  Optional<float[]> latent(Stored stored, SampleOrder.Place place) {
    if (space == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(LatentFile.read(stored.picture(), space));
    } catch (IllegalArgumentException e) {
      throw new BadInputException(
          "Cannot use latent: key=%s shard=%s; %s"
              .formatted(stored.key(), shards.get(place.shard()).uri(), e.getMessage()),
          e);
    }
  }

  /** Where a sample lies, counted in the order of the manifest. */
  SampleOrder.Place place(long sample) {
    long first = 0;
    for (int i = 0; i < shards.size(); i++) {
      long behind = first + shards.get(i).samples();
      if (sample >= first && sample < behind) {
        return new SampleOrder.Place(i, (int) (sample - first));
      }
      first = behind;
    }
    throw new IllegalArgumentException(
        "Cannot read sample: sample=%d, expected 0 to %d".formatted(sample, samples - 1));
  }

  /** Begins to read a sample's shard. */
  void prefetch(SampleOrder.Place place) {
    cache.prefetch(shards.get(place.shard()), hadoop);
  }

  /**
   * Reads a sample; waits at most {@code data.timeout_seconds} for its shard.
   *
   * @param picture whether its picture is wanted
   * @throws BadInputException when its shard is missing or damaged
   */
  Stored read(SampleOrder.Place place, boolean picture) throws InterruptedException {
    Shard shard = shards.get(place.shard());
    try (ShardCache.Lease lease =
        cache.lease(shard, hadoop, Duration.ofSeconds(data.timeoutSeconds()))) {
      ShardIndex.Entry entry = lease.shard().entry(place.index());
      return new Stored(
          entry.key(), entry.caption(), picture ? lease.shard().picture(place.index()) : null);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot read sample: shard=%s sample=%d".formatted(shard.uri(), place.index()), e);
    }
  }

  /**
   * Samples as one batch, as they are: for evaluation.
   *
   * @param chosen numbers of samples in the order of the manifest, from 0 to size() - 1
   * @param pictures whether the batch has pictures
   * @throws BadInputException when a shard is missing or damaged, or a picture cannot be decoded
   */
  Batch batch(List<Integer> chosen, boolean pictures) throws InterruptedException {
    int each = pictures ? elements() : 0;
    float[] planes = new float[each * chosen.size()];
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    for (int i = 0; i < chosen.size(); i++) {
      SampleOrder.Place place = place(chosen.get(i));
      Stored stored = read(place, pictures);
      keys.add(stored.key());
      captions.add(stored.caption());
      if (pictures) {
        try {
          float[] picture =
              latent(stored, place)
                  .orElseGet(() -> Images.decodePlanar(stored.picture(), data.size()));
          System.arraycopy(picture, 0, planes, i * each, each);
        } catch (PictureException e) {
          throw undecodable(stored.key(), place, e);
        }
      }
    }
    return new Batch(keys, planes, captions);
  }

  /** What to throw for a picture that cannot be decoded. */
  BadInputException undecodable(String key, SampleOrder.Place place, PictureException cause) {
    return new BadInputException(
        "Cannot decode sample: key=%s shard=%s reason=%s; %s; try preparing the dataset again"
            .formatted(
                key, shards.get(place.shard()).uri(), cause.reason().id(), cause.getMessage()),
        cause);
  }

  /** Gives the copies up. */
  @Override
  public void close() {
    cache.close();
  }
}

package org.talespark.jobs.latents;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.LongAccumulator;
import org.talespark.data.BadInputException;
import org.talespark.data.Sha256;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.ShardWriter;
import org.talespark.data.image.Images;
import org.talespark.data.image.PictureException;
import org.talespark.zoo.vq.VqCodec;

/**
 * One shard of a dataset to one shard of latents. Its bytes depend on the shard and the first stage
 * alone, so a task that runs twice writes the same file.
 */
final class LatentTask {
  private static final int BATCH = 16;

  /**
   * What a task wrote.
   *
   * @param side S of a latent [C, S, S]
   * @param sums of each channel's values, and behind them of their squares
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Written(String path, long samples, long bytes, String sha256, int side, double[] sums)
      implements Serializable {}

  private final VqCodec codec;
  private final double[] sums;
  private final int elements;

  private LatentTask(VqCodec codec) {
    this.codec = codec;
    this.sums = new double[2 * codec.latentChannels()];
    this.elements = codec.latentChannels() * codec.side() * codec.side();
  }

  /**
   * Encodes a shard.
   *
   * @param codec of batches of {@link #codec}
   * @param path of the new shard, below the root
   * @param counter is told the samples that are done
   */
  static Written run(
      VqCodec codec,
      Shard shard,
      String root,
      String path,
      LongAccumulator counter,
      Configuration hadoop)
      throws IOException {
    return new LatentTask(codec).write(shard, root, path, counter, hadoop);
  }

  /** Pictures that a codec is given at a time. */
  static int batch() {
    return BATCH;
  }

  private Written write(
      Shard shard, String root, String path, LongAccumulator counter, Configuration hadoop)
      throws IOException {
    shard.verify(hadoop);
    Path file = new Path(root, path);
    FileSystem fs = file.getFileSystem(hadoop);
    MessageDigest digest = Sha256.digest();
    long samples = 0;
    try (ShardReader reader = shard.open(hadoop);
        OutputStream out = new DigestOutputStream(fs.create(file, true), digest);
        ShardWriter latents = new ShardWriter(out)) {
      List<Sample> waiting = new ArrayList<>();
      while (reader.hasNext()) {
        waiting.add(reader.next());
        if (waiting.size() == BATCH || !reader.hasNext()) {
          encode(waiting, shard, latents);
          samples += waiting.size();
          counter.add(waiting.size());
          waiting.clear();
        }
      }
    }
    String sha256 = HexFormat.of().formatHex(digest.digest());
    return new Written(path, samples, fs.getFileStatus(file).getLen(), sha256, codec.side(), sums);
  }

  private void encode(List<Sample> samples, Shard shard, ShardWriter out) throws IOException {
    int picture = 3 * codec.size() * codec.size();
    float[] pictures = new float[samples.size() * picture];
    for (int i = 0; i < samples.size(); i++) {
      try {
        float[] planes = Images.decodePlanar(samples.get(i).image(), codec.size());
        System.arraycopy(planes, 0, pictures, i * picture, picture);
      } catch (PictureException e) {
        throw new BadInputException(
            "Cannot encode sample: key=%s shard=%s reason=%s; try preparing the dataset again"
                .formatted(samples.get(i).key(), shard.uri(), e.reason().id()),
            e);
      }
    }
    float[] latents = codec.encode(pictures, samples.size());
    for (int i = 0; i < samples.size(); i++) {
      float[] latent = Arrays.copyOfRange(latents, i * elements, (i + 1) * elements);
      add(latent);
      String key = samples.get(i).key();
      byte[] file = LatentFile.write(latent, codec.latentChannels(), codec.side());
      out.add(key + "." + LatentFile.EXTENSION, file);
      out.add(key + ".txt", samples.get(i).caption().getBytes(UTF_8));
    }
  }

  private void add(float[] latent) {
    int channels = codec.latentChannels();
    int plane = elements / channels;
    for (int i = 0; i < elements; i++) {
      sums[i / plane] += latent[i];
      sums[channels + i / plane] += (double) latent[i] * latent[i];
    }
  }
}

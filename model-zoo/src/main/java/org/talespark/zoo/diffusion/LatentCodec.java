package org.talespark.zoo.diffusion;

import java.util.Arrays;
import org.talespark.zoo.train.LatentSpace;
import org.talespark.zoo.vq.VqCodec;

/** Pictures to latents of unit variance and back, batch by batch (arXiv:2112.10752, appendix G). */
final class LatentCodec implements AutoCloseable {
  private final LatentSpace space;
  private final VqCodec codec;
  private final int batch;

  /** A codec; it closes the given one. */
  LatentCodec(LatentSpace space, VqCodec codec, int batch) {
    if (codec.latentChannels() != space.channels() || codec.side() != space.side()) {
      throw new IllegalArgumentException(
          "Cannot use first stage: its latents are [%d, %d, %d], expected [%d, %d, %d]"
              .formatted(
                  codec.latentChannels(),
                  codec.side(),
                  codec.side(),
                  space.channels(),
                  space.side(),
                  space.side()));
    }
    this.space = space;
    this.codec = codec;
    this.batch = batch;
  }

  /** Pixels a side. */
  int size() {
    return codec.size();
  }

  /** Latents as the first stage makes them to such of mean 0 and variance 1, in place. */
  static void normalize(LatentSpace space, float[] latents) {
    int plane = space.side() * space.side();
    for (int i = 0; i < latents.length; i++) {
      int channel = i / plane % space.channels();
      latents[i] =
          (float) ((latents[i] - space.mean().get(channel)) / space.deviation().get(channel));
    }
  }

  /** Pictures [count, 3, size, size] to normalised latents [count, C, S, S]. */
  float[] encode(float[] pictures, int count) {
    int picture = 3 * size() * size();
    float[] latents = new float[count * space.elements()];
    for (int from = 0; from < count; from += batch) {
      int to = Math.min(count, from + batch);
      float[] part =
          codec.encode(Arrays.copyOfRange(pictures, from * picture, to * picture), to - from);
      System.arraycopy(part, 0, latents, from * space.elements(), part.length);
    }
    normalize(space, latents);
    return latents;
  }

  /** Normalised latents [count, C, S, S] to pictures [count, 3, size, size]. */
  float[] decode(float[] latents, int count) {
    int plane = space.side() * space.side();
    int picture = 3 * size() * size();
    float[] pictures = new float[count * picture];
    for (int from = 0; from < count; from += batch) {
      int to = Math.min(count, from + batch);
      float[] part = Arrays.copyOfRange(latents, from * space.elements(), to * space.elements());
      for (int i = 0; i < part.length; i++) {
        int channel = i / plane % space.channels();
        part[i] = (float) (part[i] * space.deviation().get(channel) + space.mean().get(channel));
      }
      float[] decoded = codec.decodeLatents(part, to - from);
      System.arraycopy(decoded, 0, pictures, from * picture, decoded.length);
    }
    return pictures;
  }

  @Override
  public void close() {
    codec.close();
  }
}

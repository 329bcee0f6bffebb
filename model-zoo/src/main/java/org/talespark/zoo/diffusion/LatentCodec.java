package org.talespark.zoo.diffusion;

import java.util.Arrays;
import org.talespark.zoo.train.LatentSpace;
import org.talespark.zoo.vq.VqCodec;

/** Pictures to white latents and back, batch by batch. */
final class LatentCodec implements AutoCloseable {
  private final LatentSpace space;
  private final Whitening whitening;
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
    this.whitening = new Whitening(space);
    this.codec = codec;
    this.batch = batch;
  }

  /** Pixels a side. */
  int size() {
    return codec.size();
  }

  /** Pictures [count, 3, size, size] to white latents [count, C, S, S]. */
  float[] encode(float[] pictures, int count) {
    int picture = 3 * size() * size();
    float[] latents = new float[count * space.elements()];
    for (int from = 0; from < count; from += batch) {
      int to = Math.min(count, from + batch);
      float[] part =
          codec.encode(Arrays.copyOfRange(pictures, from * picture, to * picture), to - from);
      System.arraycopy(part, 0, latents, from * space.elements(), part.length);
    }
    return whitening.whiten(latents);
  }

  /** White latents [count, C, S, S] to pictures [count, 3, size, size]. */
  float[] decode(float[] latents, int count) {
    float[] raw = whitening.unwhiten(Arrays.copyOf(latents, count * space.elements()));
    int picture = 3 * size() * size();
    float[] pictures = new float[count * picture];
    for (int from = 0; from < count; from += batch) {
      int to = Math.min(count, from + batch);
      float[] part = Arrays.copyOfRange(raw, from * space.elements(), to * space.elements());
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

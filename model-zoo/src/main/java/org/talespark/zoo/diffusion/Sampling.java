package org.talespark.zoo.diffusion;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.talespark.zoo.nn.NoiseKey;

/**
 * Makes samples with a {@link Denoise}, a batch at a time: from noise alone, from other pictures,
 * or into the holes of other pictures. A sample depends on its own key only ({@link NoiseKey}); the
 * batch that it is made in changes nothing, as far as the network's own arithmetic does not.
 *
 * <p>Samples are [B, n]; what n means (channels, height, width) is the network's business.
 *
 * @param clip largest size of the values of a picture that the network sees in a sample; infinite
 *     for none (latents have no natural limit)
 */
public record Sampling(
    NoiseSchedule schedule, Prediction prediction, Sampler sampler, double clip) {
  /** Streams of a sample's key: that of its first noise, and of the noise after each timestep. */
  private static final long FIRST_NOISE = 0;

  private static final long NOISE_AFTER = 1;

  public Sampling {
    requireNonNull(sampler, "sampler");
    prediction.check(schedule);
    sampler.timesteps(schedule); // refuses more than there are
    if (!(clip > 0)) {
      throw new IllegalArgumentException(
          "Cannot sample: clip=%s, expected a positive number".formatted(clip));
    }
  }

  /**
   * Samples from noise.
   *
   * @param keys [B]
   * @param elements n
   * @return [B, n]
   */
  public float[] generate(Denoise network, long[] keys, int elements) {
    float[] x = firstNoise(keys, Math.multiplyExact(keys.length, elements));
    return run(network, keys, x, sampler.timesteps(schedule), null);
  }

  /**
   * Image to image (Meng 2022, arXiv:2108.01073): pictures are given noise and lose it again.
   *
   * @param originals [B, n]
   * @param strength the share of the timesteps that are gone back: 0 returns the originals, 1
   *     forgets them
   */
  public float[] vary(Denoise network, long[] keys, float[] originals, double strength) {
    return from(network, keys, originals, strength, null);
  }

  /**
   * Inpainting: what the mask keeps is the original's, with its share of noise during the sampling
   * and exactly at the end; what it does not keep is made to fit.
   *
   * @param originals [B, n]
   * @param mask [B, m], n a multiple of m, repeated over the channels: 1 makes a position anew, 0
   *     keeps it, between them both are mixed
   * @param strength as for {@link #vary}; 1 fills holes with no regard to what was there
   */
  public float[] inpaint(
      Denoise network, long[] keys, float[] originals, float[] mask, double strength) {
    return from(network, keys, originals, strength, mask);
  }

  private float[] from(
      Denoise network, long[] keys, float[] originals, double strength, float[] mask) {
    if (!(strength >= 0 && strength <= 1)) {
      throw new IllegalArgumentException(
          "Cannot sample: strength=%s, expected 0 to 1".formatted(strength));
    }
    float[] noise = firstNoise(keys, originals.length);
    Kept kept = mask == null ? null : new Kept(keys.length, originals, mask, noise);
    int start = (int) Math.round(strength * schedule.steps()) - 1;
    if (start == NoiseSchedule.CLEAN) {
      return originals.clone();
    }
    float[] x = noise.clone();
    if (start < schedule.steps() - 1) {
      new Mix(schedule.alpha(start), schedule.sigma(start)).of(originals, noise, x);
    }
    if (kept != null) {
      kept.restore(x, start);
    }
    int[] timesteps =
        IntStream.concat(
                IntStream.of(start),
                Arrays.stream(sampler.timesteps(schedule)).filter(t -> t < start))
            .toArray();
    return run(network, keys, x, timesteps, kept);
  }

  private static float[] firstNoise(long[] keys, int length) {
    float[] noise = new float[length];
    NoiseKey.normals(keys, FIRST_NOISE, noise);
    return noise;
  }

  private float[] run(Denoise network, long[] keys, float[] x, int[] timesteps, Kept kept) {
    float[] data = new float[x.length];
    float[] earlier = new float[x.length];
    float[] noise = new float[x.length];
    int before = Sampler.NONE;
    for (int i = 0; i < timesteps.length; i++) {
      int t = timesteps[i];
      int next = i + 1 < timesteps.length ? timesteps[i + 1] : NoiseSchedule.CLEAN;
      float[] predicted = network.predict(x, t);
      checkPrediction(predicted, x.length, t);
      prediction.toData(schedule, t).of(x, predicted, data);
      clip(data);
      Sampler.Step step = sampler.step(schedule, before, t, next);
      if (step.ofNoise() > 0) {
        NoiseKey.normals(keys, NOISE_AFTER + t, noise);
      }
      advance(step, x, data, earlier, noise);
      if (kept != null) {
        kept.restore(x, next);
      }
      float[] free = earlier;
      earlier = data;
      data = free;
      before = t;
    }
    return x;
  }

  private void clip(float[] data) {
    float limit = (float) clip;
    if (limit < Float.POSITIVE_INFINITY) {
      for (int i = 0; i < data.length; i++) {
        data[i] = Math.max(-limit, Math.min(limit, data[i]));
      }
    }
  }

  private static void advance(
      Sampler.Step step, float[] x, float[] data, float[] earlier, float[] noise) {
    double ofSample = step.ofSample();
    double ofData = step.ofData();
    double ofEarlier = step.ofEarlierData();
    double ofNoise = step.ofNoise();
    for (int i = 0; i < x.length; i++) {
      x[i] =
          (float)
              (ofSample * x[i] + ofData * data[i] + ofEarlier * earlier[i] + ofNoise * noise[i]);
    }
  }

  private static void checkPrediction(float[] predicted, int length, int t) {
    if (predicted.length != length) {
      throw new IllegalArgumentException(
          "Cannot sample: predicted=%d values at timestep %d, expected %d"
              .formatted(predicted.length, t, length));
    }
    for (int i = 0; i < length; i++) {
      if (!Float.isFinite(predicted[i])) {
        throw new IllegalStateException(
            "Cannot sample: prediction=%s at timestep=%d element=%d, expected a finite number; try another checkpoint"
                .formatted(predicted[i], t, i));
      }
    }
  }

  /** What inpainting keeps, with its noise. */
  private final class Kept {
    private final float[] originals;
    private final float[] mask;
    private final int elements;
    private final int positions;
    private final float[] noise;

    Kept(int batch, float[] originals, float[] mask, float[] noise) {
      this.originals = originals;
      this.mask = mask;
      this.noise = noise;
      this.elements = originals.length / batch;
      this.positions = mask.length / batch;
      if (mask.length % batch != 0 || positions == 0 || elements % positions != 0) {
        throw new IllegalArgumentException(
            "Cannot inpaint: mask=%d values for %d samples of %d, expected a divisor of %d a sample"
                .formatted(mask.length, batch, elements, elements));
      }
      for (float m : mask) {
        if (!(m >= 0 && m <= 1)) {
          throw new IllegalArgumentException(
              "Cannot inpaint: mask=%s, expected values from 0 to 1".formatted(m));
        }
      }
    }

    /** Puts the original, as it is at this time, where the mask keeps it. */
    void restore(float[] x, int time) {
      double alpha = schedule.alpha(time);
      double sigma = schedule.sigma(time);
      for (int i = 0; i < x.length; i++) {
        float m = mask[i / elements * positions + i % elements % positions];
        if (m < 1) {
          float kept = (float) (alpha * originals[i] + sigma * noise[i]);
          x[i] = m == 0 ? kept : m * x[i] + (1 - m) * kept;
        }
      }
    }
  }
}

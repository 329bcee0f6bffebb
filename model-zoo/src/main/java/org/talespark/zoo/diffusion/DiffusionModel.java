package org.talespark.zoo.diffusion;

import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Weights;
import org.talespark.zoo.vq.VqCodec;

/**
 * A trained diffusion model in use: texts to pictures, batch by batch. Not thread-safe.
 *
 * <p>Pictures are [count, 3, size, size] in [-1, 1], count at most the batch. What a picture holds
 * depends on its text and key; the others of the batch change nothing but, perhaps, the rounding.
 */
public final class DiffusionModel implements AutoCloseable {

  /**
   * How to sample.
   *
   * @param sampler or null for the checkpoint's
   * @param guidance or null for the checkpoint's; nothing is guided without texts
   */
  public record Options(Sampler sampler, Double guidance) {
    /** The checkpoint's own. */
    public static final Options DEFAULT = new Options(null, null);
  }

  /** Fills a batch of samples under its texts. */
  @FunctionalInterface
  private interface Job {
    float[] run(Sampling sampling, Denoise network, long[] keys);
  }

  private final DiffusionFile file;
  private final NoiseSchedule noise;
  private final int batch;
  private final int size;
  private final Tokenizer tokenizer; // null without texts
  private final LatentCodec codec; // null for pixels
  private final Denoiser denoiser;

  /**
   * Loads a checkpoint.
   *
   * @param batch pictures a pass at most
   */
  public DiffusionModel(Pretrained checkpoint, int batch) {
    this.file = DiffusionFile.of(checkpoint.config());
    this.noise = NoiseSchedule.of(file.noise());
    this.batch = batch;
    this.codec =
        file.latents() == null
            ? null
            : new LatentCodec(
                file.latents(),
                new VqCodec(checkpoint.part(DiffusionFile.FIRST_STAGE), batch),
                batch);
    this.size = codec == null ? file.sampleSize() : codec.size();
    this.tokenizer = file.text() == null ? null : new Tokenizer(checkpoint.file(Tokenizer.FILE));
    TextInputs texts = null;
    TextReader reader = null;
    if (file.text() != null) {
      Pretrained encoder = checkpoint;
      TextEncoder.Config config;
      if (file.text() instanceof TextContext.Encoder trained) {
        config = trained.model();
      } else {
        encoder = checkpoint.part(DiffusionFile.TEXT_ENCODER);
        config = TextTower.config(encoder);
      }
      texts = TextInputs.of(file.text(), config, batch);
      reader = new TextReader(texts, config, tokenizer, Weights.of(encoder), DataType.FLOAT);
    }
    this.denoiser =
        new Denoiser(
            file.model(),
            noise.steps(),
            file.sampleSize(),
            batch,
            texts,
            reader,
            Weights.of(checkpoint),
            DataType.FLOAT);
  }

  /** Pixels a side of its pictures. */
  public int size() {
    return size;
  }

  /** Whether it reads texts. */
  public boolean conditional() {
    return file.text() != null;
  }

  /** Whether it works on latents. */
  public boolean latent() {
    return codec != null;
  }

  /**
   * Pictures from noise.
   *
   * @param prompts one a picture; without effect when the model reads no texts
   * @param keys one a picture, see {@link NoiseKey#sampling}
   */
  public float[] generate(List<String> prompts, long[] keys, Options options) {
    return pictures(
        prompts,
        keys,
        options,
        (sampling, network, all) -> sampling.generate(network, all, elements()));
  }

  /**
   * Image to image, see {@link Sampling#vary}.
   *
   * @param originals [count, 3, size, size]
   */
  public float[] vary(
      List<String> prompts, long[] keys, float[] originals, double strength, Options options) {
    float[] samples = samples(originals, keys.length);
    return pictures(
        prompts,
        keys,
        options,
        (sampling, network, all) -> sampling.vary(network, all, samples, strength));
  }

  /**
   * Inpainting, see {@link Sampling#inpaint}.
   *
   * @param originals [count, 3, size, size]
   * @param mask [count, size, size]: 1 makes a pixel anew, 0 keeps it. Latents are kept where no
   *     pixel under them is to be made anew.
   */
  public float[] inpaint(
      List<String> prompts,
      long[] keys,
      float[] originals,
      float[] mask,
      double strength,
      Options options) {
    float[] samples = samples(originals, keys.length);
    float[] masks = Arrays.copyOf(coarse(mask, keys.length), batch * side() * side());
    return pictures(
        prompts,
        keys,
        options,
        (sampling, network, all) -> sampling.inpaint(network, all, samples, masks, strength));
  }

  /** Pictures through the first stage and back; a model of pixels gives them back as they are. */
  public float[] reconstruct(float[] pictures, int count) {
    return codec == null ? pictures.clone() : codec.decode(codec.encode(pictures, count), count);
  }

  private float[] pictures(List<String> prompts, long[] keys, Options options, Job job) {
    int count = keys.length;
    if (count > batch || prompts.size() != count) {
      throw new IllegalArgumentException(
          "Cannot sample: keys=%d prompts=%d, expected as many and at most %d"
              .formatted(count, prompts.size(), batch));
    }
    double guidance = options.guidance() == null ? file.guidance() : options.guidance();
    float[] made =
        job.run(
            file.sampling(noise, options.sampler()),
            denoiser.guided(prompts, guidance),
            Arrays.copyOf(keys, batch));
    float[] wanted = Arrays.copyOf(made, count * elements());
    return codec == null ? wanted : codec.decode(wanted, count);
  }

  private int side() {
    return file.sampleSize();
  }

  private int elements() {
    return file.model().channels() * side() * side();
  }

  /** [count, 3, size, size] to a whole batch of samples. */
  private float[] samples(float[] pictures, int count) {
    float[] samples = codec == null ? pictures : codec.encode(pictures, count);
    return Arrays.copyOf(samples, batch * elements());
  }

  /** The largest value of each cell of pixels: [count, size, size] to [count, side, side]. */
  private float[] coarse(float[] mask, int count) {
    int cell = size / side();
    float[] result = new float[count * side() * side()];
    for (int i = 0; i < mask.length; i++) {
      int row = i / size;
      int at = row / cell * side() + i % size / cell;
      result[at] = Math.max(result[at], mask[i]);
    }
    return result;
  }

  @Override
  public void close() {
    denoiser.close();
    if (codec != null) {
      codec.close();
    }
    if (tokenizer != null) {
      tokenizer.close();
    }
  }
}

package org.talespark.zoo.nn;

/**
 * Keys of random streams. What is drawn for a sample depends on its key alone, never on the batch
 * or the worker that it is in, so no division of the work changes it.
 */
public final class NoiseKey {
  private static final long TRAINING = 1;
  private static final long EVALUATION = 2;
  private static final long SAMPLING = 3;

  private NoiseKey() {}

  /** For one sample of one training step. */
  public static long training(long seed, long step, String sample) {
    return at(at(at(at(TRAINING, 0), seed), step), Uniform.hash(sample));
  }

  /** For a held-out sample: the same in all runs, so that their losses can be compared. */
  public static long evaluation(String sample) {
    return at(at(EVALUATION, 0), Uniform.hash(sample));
  }

  /**
   * For a picture to be made.
   *
   * @param prompt its text, or whatever names the picture
   * @param number which picture of this prompt, from 0
   */
  public static long sampling(long seed, String prompt, int number) {
    return at(at(at(at(SAMPLING, 0), seed), Uniform.hash(prompt)), number);
  }

  /** The key of one of the streams that belong to a key. */
  public static long at(long key, long position) {
    // Stafford's variant 13 of MurmurHash3's finalizer, which spreads every bit over all
    long z = key + (position + 1) * 0xd1342543de82ef95L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /** Standard normal noise [B, n] for keys [B], from the stream at a position of each. */
  public static void normals(long[] keys, long position, float[] out) {
    int n = out.length / keys.length;
    for (int b = 0; b < keys.length; b++) {
      Normal.fill(at(keys[b], position), out, b * n, n);
    }
  }
}

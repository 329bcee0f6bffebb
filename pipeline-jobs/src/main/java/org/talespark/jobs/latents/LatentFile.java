package org.talespark.jobs.latents;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.train.LatentSpace;

/** One latent as a NumPy file: float32 [C, S, S]. */
public final class LatentFile {
  /** What the name of such a file ends with. */
  public static final String EXTENSION = "npy";

  private LatentFile() {}

  static byte[] write(float[] latent, int channels, int side) {
    try (INDArray array = Nd4j.createFromArray(latent).reshape(channels, side, side)) {
      return Nd4j.toNpyByteArray(array);
    }
  }

  /**
   * Reads a latent.
   *
   * @throws IllegalArgumentException when it is none of this space
   */
  public static float[] read(byte[] file, LatentSpace space) {
    long[] expected = {space.channels(), space.side(), space.side()};
    try (INDArray array = Nd4j.createNpyFromByteArray(file)) {
      if (array.dataType() != DataType.FLOAT || !Arrays.equals(array.shape(), expected)) {
        throw new IllegalArgumentException(
            "Cannot read latent: type=%s shape=%s, expected float32 of shape=%s"
                .formatted(
                    array.dataType(), Arrays.toString(array.shape()), Arrays.toString(expected)));
      }
      return array.dup('c').ravel().toFloatVector();
    }
  }
}

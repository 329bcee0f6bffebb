package org.talespark.zoo.vq;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Handles of a built model. Grids are H' = W' = size / downsampling.
 *
 * @param pictures input [B, 3, H, W]
 * @param quantizer over N = B H' W' vectors, in the order of [B, H', W']
 * @param beforeLast what the last layer reads, [B, C, H, W]
 * @param reconstruction [B, 3, H, W]
 */
public record VqModel(
    SDVariable pictures,
    VectorQuantizer.Outputs quantizer,
    SDVariable beforeLast,
    SDVariable reconstruction) {

  /**
   * A decoder alone.
   *
   * @param input {@link #CODES}, int32 [B H' W'], or {@link #VECTORS}, [B H' W', D]
   * @param picture [B, 3, H, W]
   */
  public record Decoder(SDVariable input, SDVariable picture) {}

  /** Name of the input with pictures. */
  public static final String PICTURES = "pictures";

  /** Name of the input with codes. */
  public static final String CODES = "codes";

  /** Name of the input with vectors as the encoder makes them. */
  public static final String VECTORS = "vectors";
}

package org.talespark.zoo.vq;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/** A model that turns pictures into a grid of codes and back. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = VqVae.Config.class, name = "vqvae"),
  @JsonSubTypes.Type(value = VqGan.Config.class, name = "vqgan")
})
public sealed interface VqModelConfig permits VqVae.Config, VqGan.Config {

  VectorQuantizer.Config quantizer();

  /** Pixels of a picture's side per code. */
  int downsampling();

  /** The parameter whose gradients balance the adversarial loss. */
  String lastLayer();

  /** The codebook's parameter name. */
  String codebook();

  /** Builds encoder, quantizer and decoder for x [batch, 3, size, size]. */
  VqModel build(Layers layers, int batch, int size);

  /**
   * Decodes a grid of quantised vectors [batch, D, side, side] to pictures [batch, 3, size, size].
   */
  SDVariable decode(Layers layers, SDVariable grid, int batch, int side);

  /** Builds the decoder alone, for int32 codes [batch * side * side]. */
  default VqModel.Decoder buildDecoder(Layers layers, int batch, int side) {
    Ops ops = layers.ops();
    SDVariable codes = ops.indices(VqModel.CODES, (long) batch * side * side);
    SDVariable codebook = VectorQuantizer.codebook(layers, quantizer(), codebook());
    SDVariable quantized = VectorQuantizer.lookUp(ops, quantizer(), codebook, codes);
    return decoder(layers, codes, quantized, batch, side);
  }

  /**
   * Builds quantizer and decoder, for vectors as the encoder makes them, [batch * side * side, D].
   */
  default VqModel.Decoder buildVectorDecoder(Layers layers, int batch, int side) {
    Ops ops = layers.ops();
    SDVariable vectors =
        ops.input(VqModel.VECTORS, (long) batch * side * side, quantizer().dimension());
    SDVariable codebook = VectorQuantizer.codebook(layers, quantizer(), codebook());
    SDVariable quantized =
        VectorQuantizer.quantize(ops, quantizer(), vectors, codebook).quantized();
    return decoder(layers, vectors, quantized, batch, side);
  }

  private VqModel.Decoder decoder(
      Layers layers, SDVariable input, SDVariable quantized, int batch, int side) {
    SDVariable grid = Grids.toGrid(layers.ops(), quantized, batch, side, quantizer().dimension());
    return new VqModel.Decoder(input, decode(layers, grid, batch, side));
  }
}

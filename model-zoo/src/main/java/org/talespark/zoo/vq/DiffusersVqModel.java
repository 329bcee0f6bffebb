package org.talespark.zoo.vq;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.io.ExportedFile;
import org.talespark.zoo.io.ExportedModel;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Pretrained;

/**
 * A VQ model in diffusers' layout: {@code config.json} and {@code
 * diffusion_pytorch_model.safetensors} of its {@code VQModel}. A VQ-VAE, which has no class there,
 * keeps the keys of its own configuration.
 */
public final class DiffusersVqModel {
  /** Diffusers' class. */
  public static final String CLASS = "VQModel";

  private static final String OUR_CLASS = "TalesparkVqVae";

  private DiffusersVqModel() {}

  /** The files, for the root of a directory. */
  public static ExportedModel of(Pretrained checkpoint) {
    return of(checkpoint, Map.of());
  }

  /** The same with more keys in its {@code config.json}. */
  public static ExportedModel of(Pretrained checkpoint, Map<String, Object> more) {
    VqCodec.ModelFile file = VqCodec.modelFile(checkpoint.config());
    Map<String, Object> config = new LinkedHashMap<>();
    List<String> notes = new ArrayList<>();
    String name;
    if (file.model() instanceof VqGan.Config model) {
      name = CLASS;
      config.put("_class_name", name);
      config.putAll(config(model, file.sampleSize()));
    } else {
      name = OUR_CLASS;
      config.put("_class_name", name);
      config.put("model", file.model());
      config.put("sample_size", file.sampleSize());
      notes.add(
          "Diffusers has no class for this VQ-VAE, which Talespark calls %s: its tensors and configuration are here under Talespark's names."
              .formatted(name));
    }
    config.putAll(more);
    return new ExportedModel(
        List.of(
            ExportedFile.json("config.json", VqCodec.JSON.valueToTree(config)),
            ExportedFile.tensors("diffusion_pytorch_model.safetensors", tensors(file, checkpoint))),
        Map.of(".", name),
        notes);
  }

  private static Map<String, Object> config(VqGan.Config model, int sampleSize) {
    int levels = model.blockOutChannels().size();
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("in_channels", 3);
    file.put("out_channels", 3);
    file.put("down_block_types", Collections.nCopies(levels, "DownEncoderBlock2D"));
    file.put("up_block_types", Collections.nCopies(levels, "UpDecoderBlock2D"));
    file.put("block_out_channels", model.blockOutChannels());
    file.put("layers_per_block", model.layersPerBlock());
    file.put("act_fn", "silu");
    file.put("latent_channels", model.latentChannels());
    file.put("sample_size", sampleSize);
    file.put("num_vq_embeddings", model.quantizer().codes());
    file.put("vq_embed_dim", model.quantizer().dimension());
    file.put("norm_num_groups", model.normNumGroups());
    file.put("norm_type", "group");
    file.put("mid_block_add_attention", model.midBlockAddAttention());
    file.put("lookup_from_codebook", false);
    file.put("scaling_factor", 1.0);
    return file;
  }

  /** The tensors of the network alone. */
  private static Map<String, INDArray> tensors(VqCodec.ModelFile file, Pretrained checkpoint) {
    Layers layers = Layers.bound(new Ops(DataType.FLOAT));
    file.model().build(layers, 1, file.sampleSize());
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (String name : layers.names()) {
      tensors.put(name, checkpoint.tensor(name));
    }
    String name = file.model().codebook();
    INDArray codebook = checkpoint.tensor(name);
    boolean cosine = file.model().quantizer().similarity() == VectorQuantizer.Similarity.COSINE;
    tensors.put(name, cosine ? unitRows(codebook) : codebook);
    return tensors;
  }

  /**
   * Among codes of length one the nearest to a vector is the one at the smallest angle, whatever
   * the vector's own length, so a class without cosine similarity chooses the same.
   */
  private static INDArray unitRows(INDArray codebook) {
    INDArray squares = codebook.mul(codebook).sum(true, 1);
    return codebook.div(Transforms.sqrt(squares.add(1e-12)));
  }
}

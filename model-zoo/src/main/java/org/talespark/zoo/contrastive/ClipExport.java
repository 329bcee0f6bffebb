package org.talespark.zoo.contrastive;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.ExportedFile;
import org.talespark.zoo.io.ExportedModel;
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.text.ClipTextFile;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Pretrained;

/**
 * A checkpoint as a Hugging Face directory of a {@code CLIPModel}; where it holds adapters, the
 * model that they make of their base, and of a fusion model its towers.
 */
public final class ClipExport {
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";

  private ClipExport() {}

  /**
   * The directory's files.
   *
   * @throws IllegalArgumentException naming what is missing
   */
  public static ExportedModel of(Pretrained checkpoint) {
    ClipModel.Config config = ClipFile.read(checkpoint.config());
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    ClipShapes.of(config).keySet().forEach(name -> tensors.put(name, checkpoint.tensor(name)));
    List<ExportedFile> files = new ArrayList<>();
    files.add(ExportedFile.json("config.json", ClipFile.write(config)));
    files.add(ExportedFile.tensors("model.safetensors", tensors));
    Map<String, byte[]> others = new TreeMap<>(checkpoint.files());
    boolean adapted = others.remove(PeftAdapter.CONFIG) != null;
    others.remove(PeftAdapter.WEIGHTS);
    if (others.containsKey(Tokenizer.FILE) && !others.containsKey(TOKENIZER_CONFIG)) {
      files.addAll(
          new ClipTextFile(
                  config.textConfig(),
                  others.remove(Tokenizer.FILE),
                  config.textConfig().maxPositionEmbeddings())
              .tokenizer("."));
    }
    others.forEach((name, bytes) -> files.add(ExportedFile.bytes(name, bytes)));
    List<String> notes = new ArrayList<>();
    if (adapted) {
      notes.add("The checkpoint's adapters are merged into its weights.");
    }
    if (ClipFile.isInside(checkpoint.config())) {
      notes.add("These are the towers of a fusion model; what reads both together is not here.");
    }
    if (checkpoint.tensors().containsKey(ContrastivePull.LOGIT_BIAS)) {
      notes.add(
          "CLIPModel has no logit_bias, which the sigmoid loss trained; similarities keep their order without it.");
    }
    return new ExportedModel(files, Map.of(".", "CLIPModel"), notes);
  }
}

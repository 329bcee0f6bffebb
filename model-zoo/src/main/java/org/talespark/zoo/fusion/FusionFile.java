package org.talespark.zoo.fusion;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.talespark.zoo.contrastive.ClipFile;

/** The {@code config.json} of a fusion model's checkpoint. */
final class FusionFile {
  private FusionFile() {}

  /** Its keys; below {@code clip_config} stand those of Hugging Face's {@code CLIPModel}. */
  static Map<String, Object> write(FusionModel.Config model, Objectives objectives) {
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("architectures", List.of("FusionModel"));
    file.put("model_type", "talespark-fusion");
    file.put("clip_config", ClipFile.write(model.clip()));
    file.put("fusion_config", model.fusion());
    file.put("fusion_dim", model.fusionDim());
    file.put("objectives", objectives);
    return file;
  }
}

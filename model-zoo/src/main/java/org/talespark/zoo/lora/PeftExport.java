package org.talespark.zoo.lora;

import java.util.List;
import java.util.Map;
import org.talespark.zoo.io.ExportedFile;
import org.talespark.zoo.io.ExportedModel;
import org.talespark.zoo.train.Pretrained;

/** The adapter of a checkpoint as PEFT loads it. */
public final class PeftExport {
  private PeftExport() {}

  /**
   * The adapter's files.
   *
   * @throws IllegalArgumentException when the checkpoint has none
   */
  public static ExportedModel of(Pretrained checkpoint) {
    if (!checkpoint.files().containsKey(PeftAdapter.CONFIG)) {
      throw new IllegalArgumentException(
          "Cannot export: format=peft, expected a checkpoint with adapters, such as of a run with task.lora; try --format hf");
    }
    byte[] config = checkpoint.file(PeftAdapter.CONFIG);
    return new ExportedModel(
        List.of(
            ExportedFile.bytes(PeftAdapter.CONFIG, config),
            ExportedFile.bytes(PeftAdapter.WEIGHTS, checkpoint.file(PeftAdapter.WEIGHTS))),
        Map.of(".", "PeftModel"),
        List.of(
            "The adapter belongs to the averaged weights of its base, %s: export that with --format hf and load the adapter on it, PeftModel.from_pretrained(base, directory)."
                .formatted(PeftFile.base(config).orElse("which it does not name"))));
  }
}

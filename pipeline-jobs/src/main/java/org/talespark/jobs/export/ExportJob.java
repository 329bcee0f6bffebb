package org.talespark.jobs.export;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.zoo.contrastive.ClipExport;
import org.talespark.zoo.diffusion.DiffusersPipeline;
import org.talespark.zoo.io.ExportedFile;
import org.talespark.zoo.io.ExportedModel;
import org.talespark.zoo.lora.PeftExport;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.vq.DiffusersVqModel;

/**
 * Writes a checkpoint's averaged weights in the layout of another library, and a {@code README.md}
 * of what somebody who loads them has to know.
 */
public final class ExportJob {
  /** The command's name in its output. */
  public static final String COMMAND = "export";

  private static final String README = "README.md";

  /** How models are exported, by the {@code model.type} of their configuration. */
  private static final Map<String, Map<Format, Function<Pretrained, ExportedModel>>> EXPORTS =
      Map.of(
          "clip", Map.of(Format.HF, ClipExport::of, Format.PEFT, PeftExport::of),
          "talespark-fusion", Map.of(Format.HF, ClipExport::of),
          "unet", Map.of(Format.DIFFUSERS, DiffusersPipeline::of),
          "dit", Map.of(Format.DIFFUSERS, DiffusersPipeline::of),
          "vqgan", Map.of(Format.DIFFUSERS, DiffusersVqModel::of),
          "vqvae", Map.of(Format.DIFFUSERS, DiffusersVqModel::of));

  /**
   * What was written.
   *
   * @param classes which class loads each directory; {@code .} is the root
   * @param notes what somebody who loads it has to know
   */
  public record Result(
      String format, List<String> files, Map<String, String> classes, List<String> notes) {}

  private final String checkpoint;
  private final Format format;
  private final String out;
  private final Configuration hadoop;

  ExportJob(String checkpoint, Format format, String out, Configuration hadoop) {
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.format = requireNonNull(format, "format");
    this.out = requireNonNull(out, "out");
    this.hadoop = requireNonNull(hadoop, "hadoop");
  }

  /** Writes everything but the commit; the caller commits with the result's line. */
  public Result run() throws IOException {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
    Pretrained opened = LearnerFiles.pretrained(hadoop).apply(checkpoint);
    ExportedModel model = exporter(opened).apply(opened);
    List<ExportedFile> files = new ArrayList<>(model.files());
    files.add(ExportedFile.text(README, readme(model)));
    List<String> paths = files.stream().map(ExportedFile::path).sorted().toList();
    CommittedOutput output = output(paths, CommittedOutput.Existing.REPLACE);
    for (ExportedFile file : files) {
      try (OutputStream stream = output.create(file.path())) {
        file.body().writeTo(stream);
      }
    }
    return new Result(format.id(), paths, model.classes(), model.notes());
  }

  /** Makes the output valid: {@code resultLine} is the result as {@code --json} prints it. */
  public void commit(Result result, String resultLine) throws IOException {
    output(result.files(), CommittedOutput.Existing.CONTINUE).commit(resultLine);
  }

  private CommittedOutput output(List<String> paths, CommittedOutput.Existing existing)
      throws IOException {
    FileSystem fs = new Path(out).getFileSystem(hadoop);
    List<String> entries = paths.stream().map(path -> path.split("/", 2)[0]).distinct().toList();
    return CommittedOutput.open(fs, new Path(out), COMMAND, entries, existing);
  }

  private Function<Pretrained, ExportedModel> exporter(Pretrained opened) {
    String type =
        opened
            .config()
            .at("/model/type")
            .asText(opened.config().path("model_type").asText("unknown"));
    Map<Format, Function<Pretrained, ExportedModel>> formats = EXPORTS.get(type);
    if (formats == null) {
      throw new IllegalArgumentException(
          "Cannot export: checkpoint=%s is of type %s, which has no format to be exported to; expected one of the types %s"
              .formatted(checkpoint, type, EXPORTS.keySet().stream().sorted().toList()));
    }
    Function<Pretrained, ExportedModel> exporter = formats.get(format);
    if (exporter == null) {
      throw new IllegalArgumentException(
          "Cannot export: format=%s, expected one of %s for checkpoint=%s, which is of type %s"
              .formatted(
                  format.id(),
                  formats.keySet().stream().map(Format::id).sorted().toList(),
                  checkpoint,
                  type));
    }
    return exporter;
  }

  private static String readme(ExportedModel model) {
    String classes =
        model.classes().entrySet().stream()
            .map(e -> "| `%s` | `%s` |%n".formatted(e.getKey(), e.getValue()))
            .collect(Collectors.joining());
    String notes =
        model.notes().stream().map(note -> "- " + note + "\n").collect(Collectors.joining());
    return "# Exported from Talespark\n\n| directory | class |\n|---|---|\n%s\n%s"
        .formatted(classes, notes);
  }
}

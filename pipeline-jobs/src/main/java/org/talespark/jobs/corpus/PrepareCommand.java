package org.talespark.jobs.corpus;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.OutputStream;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.talespark.data.prepare.PrepareConfig;
import org.talespark.data.prepare.PrepareJob;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import org.talespark.jobs.config.ConfigTree;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code prepare}: a corpus into a dataset. */
@Command(
    name = "prepare",
    description = "Turns folders of captioned pictures into a sharded dataset.")
public final class PrepareCommand extends JobCommand {

  /** The keys below {@code prepare}. */
  record Keys(PrepareConfig prepare) {}

  @Option(
      names = "--input",
      required = true,
      paramLabel = "URI",
      description = "A folder of pictures with .txt captions; may be repeated.")
  private List<String> inputs;

  @Option(names = "--out", required = true, paramLabel = "URI", description = "The dataset.")
  private String out;

  private static PrepareConfig config(Context context) {
    ConfigTree.Builder defaults =
        ConfigTree.builder().option("the defaults", "prepare", PrepareConfig.defaults());
    return context.overlay(defaults).build().bind(Keys.class).prepare();
  }

  @Override
  protected boolean takesConfiguration() {
    return true;
  }

  @Override
  protected Object run(Context context) throws Exception {
    PrepareJob.Result result = new PrepareJob(inputs, out, config(context)).run(context.spark());
    Path file = new Path(out, "result.json");
    try (OutputStream stream =
        file.getFileSystem(context.spark().sessionState().newHadoopConf()).create(file, true)) {
      stream.write((context.resultLine(result) + "\n").getBytes(UTF_8));
    }
    return result;
  }

  @Override
  protected Object plan(Context context) {
    return new Keys(config(context));
  }
}

package org.talespark.jobs.corpus;

import java.nio.file.Path;
import org.talespark.data.scenes.SceneCorpus;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code corpus scenes}: a picture-book corpus with captions, questions and stories. */
@Command(
    name = "scenes",
    description = "Draws a picture-book corpus with captions, true scenes, questions and stories.")
public final class ScenesCommand extends JobCommand {
  @Option(names = "--pages", required = true, paramLabel = "N", description = "Pictures to draw.")
  private long pages;

  @Option(
      names = "--size",
      defaultValue = "64",
      paramLabel = "PIXELS",
      description = "Pixels a side (default ${DEFAULT-VALUE}).")
  private int size;

  @Option(
      names = "--seed",
      defaultValue = "1",
      paramLabel = "S",
      description = "Same seed, same corpus (default ${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "A new folder.")
  private Path out;

  @Override
  protected Object run(Context context) {
    return new SceneCorpus(new SceneCorpus.Config(pages, size, seed, out)).run();
  }
}

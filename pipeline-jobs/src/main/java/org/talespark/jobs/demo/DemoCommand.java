package org.talespark.jobs.demo;

import java.nio.file.Path;
import org.talespark.jobs.Context;
import org.talespark.jobs.ForPeople;
import org.talespark.jobs.JobCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code demo}: the whole pipeline on a generated corpus. */
@Command(
    name = "demo",
    description =
        "Draws a picture-book corpus, prepares it, trains a VQ-GAN on it and reconstructs held-out pictures.")
public final class DemoCommand extends JobCommand {
  @Option(names = "--quick", description = "A few minutes, less quality.")
  private boolean quick;

  @Option(
      names = "--out",
      defaultValue = "talespark-out/demo",
      paramLabel = "DIR",
      description =
          "A new folder, or an earlier demo's, which is replaced (default ${DEFAULT-VALUE}).")
  private Path out;

  /** The demo's figures. */
  public record Result(
      double psnr,
      double codebookUsage,
      long images,
      long step,
      double samplesPerSecond,
      String report)
      implements ForPeople {
    @Override
    public String text() {
      return """
          VQ-GAN trained for %d steps at %.1f samples/s.
          %d held-out pictures reconstructed: PSNR %.2f dB, codebook usage %.1f %%.
          Report: %s"""
          .formatted(step, samplesPerSecond, images, psnr, 100 * codebookUsage, report);
    }
  }

  @Override
  protected boolean takesConfiguration() {
    return true;
  }

  @Override
  protected Object run(Context context) throws Exception {
    return new Demo(context, out, quick ? Demo.Scale.QUICK : Demo.Scale.FULL).run();
  }
}

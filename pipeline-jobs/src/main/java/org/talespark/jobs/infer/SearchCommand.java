package org.talespark.jobs.infer;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.Context;
import org.talespark.jobs.JobCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code infer search}: the most similar pictures or texts. */
@Command(
    name = "search",
    description =
        "Finds the pictures or texts that are most similar to texts or pictures, exactly, as a"
            + " Spark job.")
public final class SearchCommand extends JobCommand {
  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "URI",
      description =
          "A run directory (its best, else latest checkpoint), a checkpoint, or a Hugging Face"
              + " directory.")
  private String checkpoint;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "URI",
      description =
          "What is searched: an output of infer embed, or a dataset, folder or file that is embedded"
              + " first.")
  private String input;

  @Option(
      names = "--split",
      defaultValue = "test",
      paramLabel = "SPLIT",
      description = "Of a dataset: train, validation or test (default ${DEFAULT-VALUE}).")
  private String split;

  @Option(names = "--query", paramLabel = "TEXT", description = "A text; may be repeated.")
  private List<String> texts = new ArrayList<>();

  @Option(names = "--image", paramLabel = "URI", description = "A picture; may be repeated.")
  private List<String> images = new ArrayList<>();

  @Option(
      names = "--queries",
      paramLabel = "URI",
      description =
          "More of them: a text file with one a line, a .jsonl file with text or image, or a folder"
              + " of pictures.")
  private String queries;

  @Option(
      names = "--find",
      defaultValue = "image",
      paramLabel = "KIND",
      description = "What is found: image or text (default ${DEFAULT-VALUE}).")
  private String kind;

  @Option(
      names = "--top",
      defaultValue = "10",
      paramLabel = "K",
      description = "Results of each query (default ${DEFAULT-VALUE}).")
  private int most;

  @Option(names = "--out", required = true, paramLabel = "URI", description = "The output.")
  private String out;

  @Override
  protected Object run(Context context) throws Exception {
    SearchJob.Settings settings =
        new SearchJob.Settings(
            checkpoint,
            input,
            Split.of(split),
            new Queries(texts, images, queries),
            EmbeddingSet.Kind.of(kind),
            most);
    SearchJob job = new SearchJob(settings, out, context.log());
    SparkSession spark = context.spark();
    SearchJob.Result result = job.run(spark);
    job.commit(spark, context.resultLine(result));
    return result;
  }
}

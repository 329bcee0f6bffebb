package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;

/**
 * Reads prompts: a text file with one a line, a file {@code NAME.jsonl} with an object a line, or
 * the captions of a prepared dataset's split. Empty lines count for nothing.
 */
final class Prompts {
  private static final List<String> KEYS = List.of("prompt", "seed", "image", "mask");

  /** The keys of a line of JSON. */
  record Line(String prompt, Long seed, String image, String mask) {}

  private final String input;
  private final Split split;
  private final int limit;

  /**
   * Names an input.
   *
   * @param split of a dataset
   * @param limit prompts that are read at most
   */
  Prompts(String input, Split split, int limit) {
    this.input = input;
    this.split = split;
    this.limit = limit;
    if (limit < 1) {
      throw new IllegalArgumentException(
          "Cannot read prompts: limit=%d, expected at least 1".formatted(limit));
    }
  }

  /**
   * Reads them.
   *
   * @throws BadInputException when there is none, or a line cannot be used
   */
  List<Prompt> read(Configuration hadoop) {
    try {
      Path path = new Path(input);
      FileSystem fs = path.getFileSystem(hadoop);
      boolean dataset = fs.getFileStatus(path).isDirectory();
      if (dataset && !fs.exists(new Path(path, DatasetManifest.FILE))) {
        throw new BadInputException(
            "Cannot read prompts: input=%s is a directory, expected a text file, a .jsonl file or a prepared dataset"
                .formatted(input));
      }
      List<Prompt> prompts = dataset ? captions(hadoop) : lines(fs, path);
      if (prompts.isEmpty()) {
        throw new BadInputException(
            "Cannot read prompts: input=%s%s holds none, expected at least one"
                .formatted(input, dataset ? " split=" + split.id() : ""));
      }
      return prompts;
    } catch (FileNotFoundException e) {
      throw new BadInputException(
          "Cannot read prompts: input=%s does not exist, expected a text file, a .jsonl file or a prepared dataset"
              .formatted(input),
          e);
    } catch (IOException e) {
      throw new BadInputException(
          "Cannot read prompts: input=%s; %s".formatted(input, e.getMessage()), e);
    }
  }

  private List<Prompt> captions(Configuration hadoop) {
    List<Prompt> prompts = new ArrayList<>();
    for (Shard shard : Dataset.open(input, hadoop).shards(split)) {
      try (ShardReader reader = shard.open(hadoop)) {
        while (prompts.size() < limit && reader.hasNext()) {
          prompts.add(new Prompt(reader.next().caption(), null, null, null));
        }
      }
    }
    return prompts;
  }

  private List<Prompt> lines(FileSystem fs, Path path) throws IOException {
    boolean json = path.getName().endsWith(".jsonl");
    Path folder = fs.makeQualified(path).getParent();
    List<Prompt> prompts = new ArrayList<>();
    try (BufferedReader reader = new BufferedReader(new InputStreamReader(fs.open(path), UTF_8))) {
      int number = 1;
      for (String line = reader.readLine();
          line != null && prompts.size() < limit;
          line = reader.readLine(), number++) {
        if (!line.isBlank()) {
          prompts.add(
              json ? prompt(line, number, folder) : new Prompt(line.strip(), null, null, null));
        }
      }
    }
    return prompts;
  }

  private Prompt prompt(String line, int number, Path folder) {
    JsonLine reader = new JsonLine("read prompts", input, KEYS, "{\"prompt\": \"a red house\"}");
    Line read = reader.read(Line.class, line, number);
    if (read.mask() != null && read.image() == null) {
      throw reader.refused(number, line, "an object, and a mask only with an image", null);
    }
    return new Prompt(
        read.prompt(), read.seed(), located(read.image(), folder), located(read.mask(), folder));
  }

  /** Pictures lie beside the file that names them, unless it names them whole. */
  static String located(String name, Path folder) {
    return name == null ? null : new Path(folder, name).toString();
  }
}

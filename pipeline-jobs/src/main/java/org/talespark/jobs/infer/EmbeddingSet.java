package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Serializable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.checkpoint.CommittedOutput;
import org.talespark.zoo.io.Dtype;
import org.talespark.zoo.io.SafetensorsException;
import org.talespark.zoo.io.SafetensorsHeader;
import org.talespark.zoo.io.SafetensorsReader;
import org.talespark.zoo.io.TensorInfo;

/**
 * A directory of embeddings: {@code embeddings.safetensors} with the rows of pictures and of texts,
 * and {@code image_keys.txt} and {@code text_keys.txt} with the key of each row on a line. The
 * file's metadata say which checkpoint made them, and of what.
 */
final class EmbeddingSet {
  static final String FILE = "embeddings.safetensors";
  static final String PARQUET = "embeddings.parquet";

  private static final String CHECKPOINT = "checkpoint";
  private static final String SHA256 = "weights_sha256";
  private static final String INPUT = "input";
  private static final String SPLIT = "split";

  /** What is embedded. */
  enum Kind {
    IMAGE,
    TEXT;

    /** The name in files and on the command line. */
    String id() {
      return name().toLowerCase(Locale.ROOT);
    }

    String tensor() {
      return id() + "_embeds";
    }

    String keys() {
      return id() + "_keys.txt";
    }

    static Kind of(String id) {
      return Arrays.stream(values())
          .filter(kind -> kind.id().equals(id))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "Cannot search: --find=%s, expected image or text".formatted(id)));
    }
  }

  /**
   * What embeddings were made of, and by which model.
   *
   * @param input whole URI
   * @param split of a dataset
   */
  record Origin(String checkpoint, String sha256, String input, Split split) {
    Map<String, String> metadata() {
      Map<String, String> metadata = new LinkedHashMap<>();
      metadata.put("format", "pt");
      metadata.put(CHECKPOINT, checkpoint);
      metadata.put(SHA256, sha256);
      metadata.put(INPUT, input);
      metadata.put(SPLIT, split.id());
      return metadata;
    }

    private static Origin of(Map<String, String> metadata, Path file) {
      for (String key : List.of(CHECKPOINT, SHA256, INPUT, SPLIT)) {
        if (!metadata.containsKey(key)) {
          throw new BadInputException(
              "Cannot use embeddings: file=%s has no %s in its metadata, expected what `talespark infer embed` writes"
                  .formatted(file, key));
        }
      }
      return new Origin(
          metadata.get(CHECKPOINT),
          metadata.get(SHA256),
          metadata.get(INPUT),
          Split.of(metadata.get(SPLIT)));
    }
  }

  /**
   * Rows in a file: float32 [count, width], little endian.
   *
   * @param offset first byte of the first row
   */
  record Rows(String uri, long offset, long count, int width) implements Serializable {}

  private final FileSystem fs;
  private final Path root;
  private final SafetensorsHeader header;
  private final Origin origin;

  private EmbeddingSet(FileSystem fs, Path root, SafetensorsHeader header) {
    this.fs = fs;
    this.root = root;
    this.header = header;
    this.origin = Origin.of(header.metadata(), new Path(root, FILE));
  }

  /** Whether a directory holds embeddings, committed or not. */
  static boolean isIn(String uri, Configuration hadoop) throws IOException {
    Path root = new Path(uri);
    return root.getFileSystem(hadoop).exists(new Path(root, FILE));
  }

  /**
   * Opens the output of {@code infer embed}.
   *
   * @throws BadInputException when it is not committed, or damaged
   */
  static EmbeddingSet open(String uri, Configuration hadoop) throws IOException {
    Path root = new Path(uri);
    if (CommittedOutput.result(root.getFileSystem(hadoop), root).isEmpty()) {
      throw new BadInputException(
          "Cannot use embeddings: input=%s is not committed, expected a finished output; try `talespark infer embed` again"
              .formatted(uri));
    }
    return at(root, hadoop);
  }

  /** Opens a directory whose commit is somebody else's matter. */
  static EmbeddingSet at(Path directory, Configuration hadoop) throws IOException {
    FileSystem fs = directory.getFileSystem(hadoop);
    Path root = fs.makeQualified(directory);
    Path file = new Path(root, FILE);
    try (InputStream in = fs.open(file)) {
      SafetensorsHeader header =
          SafetensorsReader.open(in, fs.getFileStatus(file).getLen()).header();
      EmbeddingSet set = new EmbeddingSet(fs, root, header);
      for (Kind kind : Kind.values()) {
        set.check(kind);
      }
      return set;
    } catch (FileNotFoundException | SafetensorsException e) {
      throw new BadInputException(
          "Cannot use embeddings: file=%s; %s".formatted(file, e.getMessage()), e);
    }
  }

  private void check(Kind kind) {
    TensorInfo info = header.tensor(kind.tensor());
    if (info.dtype() != Dtype.F32 || info.shape().size() != 2) {
      throw new BadInputException(
          "Cannot use embeddings: file=%s tensor=%s dtype=%s shape=%s, expected F32 [rows, width]"
              .formatted(new Path(root, FILE), info.name(), info.dtype(), info.shape()));
    }
  }

  Origin origin() {
    return origin;
  }

  Rows rows(Kind kind) {
    TensorInfo info = header.tensor(kind.tensor());
    return new Rows(
        new Path(root, FILE).toString(),
        header.dataStart() + info.begin(),
        info.shape().get(0),
        Math.toIntExact(info.shape().get(1)));
  }

  /**
   * The keys of some rows.
   *
   * @throws BadInputException when the file of keys is shorter
   */
  Map<Long, String> keys(Kind kind, SortedSet<Long> wanted) throws IOException {
    Map<Long, String> keys = new LinkedHashMap<>();
    Path file = new Path(root, kind.keys());
    long row = 0;
    try (BufferedReader reader = new BufferedReader(new InputStreamReader(fs.open(file), UTF_8))) {
      for (long next : wanted) {
        String key = reader.readLine();
        for (; key != null && row < next; row++) {
          key = reader.readLine();
        }
        if (key == null) {
          throw new BadInputException(
              "Cannot use embeddings: file=%s has %d lines, expected one for each of %d rows; try `talespark infer embed` again"
                  .formatted(file, row, rows(kind).count()));
        }
        keys.put(next, key);
        row++;
      }
    } catch (FileNotFoundException e) {
      throw new BadInputException(
          "Cannot use embeddings: file=%s is missing; try `talespark infer embed` again"
              .formatted(file),
          e);
    }
    return keys;
  }
}

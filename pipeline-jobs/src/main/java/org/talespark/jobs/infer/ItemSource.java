package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;

/**
 * A piece of what is to be embedded, at most {@link #MOST} items. Pieces follow from the input
 * alone, not from the cluster, so that what is made of a piece is always the same.
 */
public sealed interface ItemSource extends Serializable
    permits ItemSource.ShardRange,
        ItemSource.PictureFiles,
        ItemSource.TextFiles,
        ItemSource.TextLines,
        Queries.Piece {
  /** Items of a piece, at most. */
  int MOST = 1024;

  /** Pictures among its items. */
  int images();

  /** Texts among its items. */
  int texts();

  /** Hands each item on, one at a time. */
  void forEach(Configuration hadoop, ItemConsumer consumer) throws IOException;

  /** Takes items. */
  @FunctionalInterface
  interface ItemConsumer {
    void accept(Item item) throws IOException;
  }

  /** The samples {@code from} to {@code to} of a shard: pairs. */
  record ShardRange(Shard shard, int from, int to) implements ItemSource {
    @Override
    public int images() {
      return to - from;
    }

    @Override
    public int texts() {
      return to - from;
    }

    @Override
    public void forEach(Configuration hadoop, ItemConsumer consumer) throws IOException {
      try (ShardReader reader = shard.open(hadoop)) {
        for (int i = 0; i < to; i++) {
          Sample sample = reader.next();
          if (i >= from) {
            consumer.accept(
                new Item(sample.key(), sample.image(), sample.caption(), sample.metadata()));
          }
        }
      }
    }
  }

  /** Picture files with their keys. */
  record PictureFiles(List<String> uris, List<String> keys) implements ItemSource {
    public PictureFiles {
      uris = new ArrayList<>(uris);
      keys = new ArrayList<>(keys);
    }

    @Override
    public int images() {
      return uris.size();
    }

    @Override
    public int texts() {
      return 0;
    }

    @Override
    public void forEach(Configuration hadoop, ItemConsumer consumer) throws IOException {
      for (int i = 0; i < uris.size(); i++) {
        consumer.accept(new Item(keys.get(i), read(uris.get(i), hadoop), null, null));
      }
    }
  }

  /** Text files, one text each, with their keys. */
  record TextFiles(List<String> uris, List<String> keys) implements ItemSource {
    public TextFiles {
      uris = new ArrayList<>(uris);
      keys = new ArrayList<>(keys);
    }

    @Override
    public int images() {
      return 0;
    }

    @Override
    public int texts() {
      return uris.size();
    }

    @Override
    public void forEach(Configuration hadoop, ItemConsumer consumer) throws IOException {
      for (int i = 0; i < uris.size(); i++) {
        String text = new String(read(uris.get(i), hadoop), UTF_8).strip();
        consumer.accept(new Item(keys.get(i), null, text, null));
      }
    }
  }

  /**
   * The texts {@code from} to {@code from + count} of a file with one a line, or with one in each
   * object of a {@code .jsonl} file; blank lines do not count.
   */
  record TextLines(String uri, long from, int count) implements ItemSource {
    private static final List<String> KEYS = List.of("key", "text");

    /** The keys of a line of JSON. */
    record Line(String key, String text) {}

    @Override
    public int images() {
      return 0;
    }

    @Override
    public int texts() {
      return count;
    }

    @Override
    public void forEach(Configuration hadoop, ItemConsumer consumer) throws IOException {
      boolean json = uri.endsWith(".jsonl");
      lines(
          uri,
          hadoop,
          (line, number, index) -> {
            if (index >= from) {
              consumer.accept(json ? item(line, number, index) : item(index, line.strip()));
            }
            return index + 1 < from + count;
          });
    }

    private static Item item(long index, String text) {
      return new Item("%05d".formatted(index), null, text, null);
    }

    private Item item(String line, long number, long index) {
      JsonLine reader = new JsonLine("read texts", uri, KEYS, "{\"text\": \"a red house\"}");
      Line read = reader.read(Line.class, line, number);
      if (read.text() == null) {
        throw reader.refused(number, line, "a text", null);
      }
      if (read.key() == null) {
        return item(index, read.text());
      }
      if (read.key().isBlank() || read.key().chars().anyMatch(Character::isISOControl)) {
        throw reader.refused(number, line, "a key on one line", null);
      }
      return new Item(read.key(), null, read.text(), null);
    }
  }

  /** Takes the lines of a file that are not blank. */
  @FunctionalInterface
  interface LineConsumer {
    /**
     * Takes a line.
     *
     * @param number of the line in the file, from 1
     * @param index among the lines that are not blank, from 0
     * @return whether more are wanted
     */
    boolean accept(String line, long number, long index) throws IOException;
  }

  /** Reads a text file line by line. */
  static void lines(String uri, Configuration hadoop, LineConsumer consumer) throws IOException {
    Path path = new Path(uri);
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(path.getFileSystem(hadoop).open(path), UTF_8))) {
      long number = 1;
      long index = 0;
      boolean more = true;
      for (String line = reader.readLine(); more && line != null; line = reader.readLine()) {
        if (!line.isBlank()) {
          more = consumer.accept(line, number, index++);
        }
        number++;
      }
    }
  }

  /** A whole file. */
  static byte[] read(String uri, Configuration hadoop) throws IOException {
    Path path = new Path(uri);
    try (InputStream in = path.getFileSystem(hadoop).open(path)) {
      return in.readAllBytes();
    }
  }

  /**
   * Divides an input: the pairs of a prepared dataset's split in the order of its manifest; the
   * pictures of a folder and then its {@code .txt} files, each by name; a text file with one text a
   * line; or a {@code .jsonl} file with {@code text} and, where wanted, {@code key}.
   *
   * @throws BadInputException when it holds nothing
   */
  static List<ItemSource> of(String input, Split split, Configuration hadoop) {
    try {
      Path root = new Path(input);
      FileSystem fs = root.getFileSystem(hadoop);
      List<ItemSource> sources = new ArrayList<>();
      if (fs.getFileStatus(root).isFile()) {
        addLines(sources, fs.makeQualified(root).toString(), hadoop);
      } else if (fs.exists(new Path(root, DatasetManifest.FILE))) {
        addShards(sources, Dataset.open(input, hadoop).shards(split));
      } else {
        addFiles(sources, fs, root);
      }
      if (sources.isEmpty()) {
        throw new BadInputException(
            "Cannot embed: input=%s split=%s holds nothing, expected a prepared dataset, a folder of pictures and .txt files, or a file with a text a line; try another --split or --input"
                .formatted(input, split.id()));
      }
      return sources;
    } catch (FileNotFoundException e) {
      throw new BadInputException(
          "Cannot embed: input=%s does not exist, expected a prepared dataset, a folder or a file of texts"
              .formatted(input),
          e);
    } catch (IOException e) {
      throw new BadInputException("Cannot embed: input=%s; %s".formatted(input, e.getMessage()), e);
    }
  }

  private static void addShards(List<ItemSource> sources, List<Shard> shards) {
    for (Shard shard : shards) {
      int samples = Math.toIntExact(shard.samples());
      for (int from = 0; from < samples; from += MOST) {
        sources.add(new ShardRange(shard, from, Math.min(samples, from + MOST)));
      }
    }
  }

  private static void addFiles(List<ItemSource> sources, FileSystem fs, Path root)
      throws IOException {
    String prefix = fs.makeQualified(root).toString();
    List<String> found = new ArrayList<>();
    RemoteIterator<LocatedFileStatus> all = fs.listFiles(root, true);
    while (all.hasNext()) {
      Path file = all.next().getPath();
      if (!file.getName().startsWith(".")) {
        found.add(file.toString());
      }
    }
    found.sort(null);
    for (List<String> part :
        parts(found, uri -> PictureSource.EXTENSIONS.contains(extension(uri)))) {
      sources.add(new PictureFiles(part, keys(part, prefix)));
    }
    for (List<String> part : parts(found, uri -> extension(uri).equals("txt"))) {
      sources.add(new TextFiles(part, keys(part, prefix)));
    }
  }

  private static String extension(String uri) {
    return uri.substring(uri.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }

  private static List<List<String>> parts(List<String> uris, Predicate<String> which) {
    List<String> chosen = uris.stream().filter(which).toList();
    List<List<String>> parts = new ArrayList<>();
    for (int from = 0; from < chosen.size(); from += MOST) {
      parts.add(chosen.subList(from, Math.min(chosen.size(), from + MOST)));
    }
    return parts;
  }

  private static List<String> keys(List<String> uris, String prefix) {
    return uris.stream().map(uri -> PictureSource.key(uri, prefix)).toList();
  }

  private static void addLines(List<ItemSource> sources, String uri, Configuration hadoop)
      throws IOException {
    long[] count = {0};
    lines(
        uri,
        hadoop,
        (line, number, index) -> {
          count[0]++;
          return true;
        });
    for (long from = 0; from < count[0]; from += MOST) {
      sources.add(new TextLines(uri, from, (int) Math.min(MOST, count[0] - from)));
    }
  }
}

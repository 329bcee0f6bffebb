package org.talespark.jobs.infer;

import static java.util.Objects.requireNonNull;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Split;

/**
 * What is searched for: texts and pictures, given one by one or in a file: a text file with one a
 * line, a {@code .jsonl} file of {@link Query}s whose pictures lie beside it, or a folder of
 * pictures.
 *
 * @param texts given one by one
 * @param images URIs of pictures, given one by one
 * @param file URI of more, or null
 */
record Queries(List<String> texts, List<String> images, String file) {
  /** More would not fit the memory of tasks together with what they find. */
  static final int MOST = 100_000;

  private static final List<String> KEYS = List.of("text", "image");

  /**
   * One of them.
   *
   * @param text or null
   * @param image URI of a picture, or null
   */
  record Query(String text, String image) implements Serializable {
    /** How results speak of it. */
    String label() {
      return text == null ? image : text;
    }

    EmbeddingSet.Kind kind() {
      return text == null ? EmbeddingSet.Kind.IMAGE : EmbeddingSet.Kind.TEXT;
    }
  }

  /** Some of them, to be embedded. */
  record Piece(ArrayList<Query> queries) implements ItemSource {
    @Override
    public int images() {
      return (int) queries.stream().filter(query -> query.image() != null).count();
    }

    @Override
    public int texts() {
      return queries.size() - images();
    }

    @Override
    public void forEach(Configuration hadoop, ItemConsumer consumer) throws IOException {
      for (Query query : queries) {
        byte[] image = query.image() == null ? null : picture(query.image(), hadoop);
        consumer.accept(new Item(query.label(), image, query.text(), null));
      }
    }
  }

  Queries {
    texts = List.copyOf(requireNonNull(texts, "texts"));
    images = List.copyOf(requireNonNull(images, "images"));
  }

  /** The bytes of a query's picture. */
  static byte[] picture(String uri, Configuration hadoop) {
    try {
      return ItemSource.read(uri, hadoop);
    } catch (IOException e) {
      throw new BadInputException("Cannot search: image=%s; %s".formatted(uri, e.getMessage()), e);
    }
  }

  /** Divides queries into pieces for tasks. */
  static List<Piece> pieces(List<Query> queries) {
    List<Piece> pieces = new ArrayList<>();
    for (int from = 0; from < queries.size(); from += ItemSource.MOST) {
      int to = Math.min(queries.size(), from + ItemSource.MOST);
      pieces.add(new Piece(new ArrayList<>(queries.subList(from, to))));
    }
    return pieces;
  }

  /**
   * All of them: texts, pictures, then those of the file.
   *
   * @throws BadInputException when a line of the file cannot be used
   */
  List<Query> read(Configuration hadoop) {
    List<Query> queries = new ArrayList<>();
    texts.forEach(text -> queries.add(new Query(text, null)));
    try {
      for (String image : images) {
        Path path = new Path(image);
        queries.add(new Query(null, path.getFileSystem(hadoop).makeQualified(path).toString()));
      }
      if (file != null) {
        addFile(queries, hadoop);
      }
    } catch (FileNotFoundException e) {
      throw new BadInputException(
          "Cannot search: queries=%s does not exist, expected a text file, a .jsonl file or a folder of pictures"
              .formatted(file),
          e);
    } catch (IOException e) {
      throw new BadInputException(
          "Cannot search: queries=%s; %s".formatted(file, e.getMessage()), e);
    }
    if (queries.isEmpty() || queries.size() > MOST) {
      throw new IllegalArgumentException(
          "Cannot search: queries=%d, expected 1 to %d; try --query TEXT, --image URI or --queries FILE"
              .formatted(queries.size(), MOST));
    }
    return queries;
  }

  private void addFile(List<Query> queries, Configuration hadoop) throws IOException {
    Path path = new Path(file);
    FileSystem fs = path.getFileSystem(hadoop);
    if (fs.getFileStatus(path).isDirectory()) {
      for (ItemSource source : ItemSource.of(file, Split.TEST, hadoop)) {
        if (!(source instanceof ItemSource.PictureFiles pictures)) {
          throw new BadInputException(
              "Cannot search: queries=%s holds more than pictures, expected a folder of pictures, or a file of texts"
                  .formatted(file));
        }
        pictures.uris().forEach(uri -> queries.add(new Query(null, uri)));
      }
      return;
    }
    boolean json = file.endsWith(".jsonl");
    Path folder = fs.makeQualified(path).getParent();
    ItemSource.lines(
        file,
        hadoop,
        (line, number, index) -> {
          queries.add(json ? query(line, number, folder) : new Query(line.strip(), null));
          return queries.size() <= MOST;
        });
  }

  private Query query(String line, long number, Path folder) {
    JsonLine reader = new JsonLine("search", file, KEYS, "{\"text\": \"a red house\"}");
    Query read = reader.read(Query.class, line, number);
    if ((read.text() == null) == (read.image() == null)) {
      throw reader.refused(number, line, "text or image", null);
    }
    return new Query(read.text(), Prompts.located(read.image(), folder));
  }
}

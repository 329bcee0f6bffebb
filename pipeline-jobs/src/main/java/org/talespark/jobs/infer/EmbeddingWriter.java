package org.talespark.jobs.infer;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.jobs.infer.EmbeddingPart.Written;
import org.talespark.jobs.infer.EmbeddingSet.Kind;
import org.talespark.zoo.contrastive.ClipEmbedder;
import org.talespark.zoo.io.Dtype;
import org.talespark.zoo.io.SafetensorsWriter;
import org.talespark.zoo.io.TensorSource;

/**
 * Writes an {@link EmbeddingSet}, as a Spark job: tasks write the rows of their pieces, and the
 * driver joins them, streaming. The files do not depend on the number of executors.
 */
final class EmbeddingWriter {
  /** A piece and its place. */
  private record Numbered(int index, ItemSource source) implements Serializable {}

  private final JavaSparkContext context;
  private final Configuration hadoop;
  private final ClipCheckpoint checkpoint;
  private final Path root;

  /**
   * Writes below a directory.
   *
   * @param root whole
   */
  EmbeddingWriter(
      JavaSparkContext context, Configuration hadoop, ClipCheckpoint checkpoint, Path root) {
    this.context = requireNonNull(context, "context");
    this.hadoop = requireNonNull(hadoop, "hadoop");
    this.checkpoint = requireNonNull(checkpoint, "checkpoint");
    this.root = requireNonNull(root, "root");
  }

  /**
   * Embeds pieces and writes the files.
   *
   * @param parquet whether {@code embeddings.parquet} is written too
   * @param counter is told each row
   * @return what was written of each piece, in order
   */
  List<Written> write(
      List<ItemSource> sources,
      EmbeddingSet.Origin origin,
      boolean parquet,
      LongAccumulator counter)
      throws IOException {
    List<Numbered> numbered = new ArrayList<>();
    for (ItemSource source : sources) {
      numbered.add(new Numbered(numbered.size(), source));
    }
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    ClipCheckpoint model = checkpoint;
    String directory = root.toString();
    List<Written> written =
        context
            .parallelize(numbered, Embedding.partitions(context, numbered.size()))
            .mapPartitions(
                part -> embed(part, model, directory, parquet, counter, conf.value().value()))
            .collect();
    join(written, origin);
    return written;
  }

  /** What a task does; the model is opened once. */
  private static Iterator<Written> embed(
      Iterator<Numbered> pieces,
      ClipCheckpoint checkpoint,
      String directory,
      boolean parquet,
      LongAccumulator counter,
      Configuration hadoop)
      throws IOException {
    List<Written> written = new ArrayList<>();
    try (ClipEmbedder embedder = checkpoint.open(hadoop)) {
      Embedding embedding = new Embedding(embedder, hadoop);
      while (pieces.hasNext()) {
        Numbered piece = pieces.next();
        try (EmbeddingPart part =
            new EmbeddingPart(new Path(directory), piece.index(), parquet, hadoop)) {
          embedding.run(
              piece.source(),
              embedded -> {
                part.add(embedded);
                counter.add((embedded.image() == null ? 0 : 1) + (embedded.text() == null ? 0 : 1));
              });
          written.add(part.written());
        }
      }
    }
    return written.iterator();
  }

  private void join(List<Written> written, EmbeddingSet.Origin origin) throws IOException {
    FileSystem fs = root.getFileSystem(hadoop);
    List<TensorSource> tensors = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      long rows =
          written.stream()
              .mapToLong(part -> kind == Kind.IMAGE ? part.images() : part.texts())
              .sum();
      tensors.add(
          new JoinedTensor(
              kind.tensor(),
              Dtype.F32,
              List.of(rows, (long) checkpoint.width()),
              fs,
              written.stream()
                  .map(part -> EmbeddingPart.numbers(root, kind, part.index()))
                  .toList()));
      try (OutputStream out = fs.create(new Path(root, kind.keys()), true)) {
        for (Written part : written) {
          try (FSDataInputStream in = fs.open(EmbeddingPart.keys(root, kind, part.index()))) {
            in.transferTo(out);
          }
        }
      }
    }
    try (OutputStream out = fs.create(new Path(root, EmbeddingSet.FILE), true)) {
      SafetensorsWriter.write(out, origin.metadata(), tensors);
    }
    fs.delete(new Path(root, EmbeddingPart.PARTS), true);
  }
}

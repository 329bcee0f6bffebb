package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.apache.parquet.column.ParquetProperties.WriterVersion.PARQUET_2_0;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.talespark.jobs.infer.Embedding.Embedded;
import org.talespark.jobs.infer.EmbeddingSet.Kind;

/**
 * Writes the rows of one piece: {@code parts/KIND-00000} with the numbers, {@code
 * parts/KIND-00000.keys}, and where wanted {@code embeddings.parquet/00000.parquet}. Names and
 * bytes depend on the piece and the model alone.
 */
final class EmbeddingPart implements AutoCloseable {
  static final String PARTS = "parts";

  private static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          """
          message embedding {
            required binary key (STRING);
            required binary kind (STRING);
            required group embedding (LIST) {
              repeated group list {
                required float element;
              }
            }
          }
          """);

  /**
   * What was written.
   *
   * @param scores of pairs, in order: the product of both rows
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Written(int index, long images, long texts, float[] scores) implements Serializable {}

  /** The files of one kind of rows. */
  private record Files(OutputStream numbers, OutputStream keys) {}

  private final int index;
  private final Map<Kind, Files> files = new EnumMap<>(Kind.class);
  private final Map<Kind, Long> counts = new EnumMap<>(Kind.class);
  private final SimpleGroupFactory groups = new SimpleGroupFactory(SCHEMA);
  private final ParquetWriter<Group> parquet; // or null
  private float[] scores = new float[ItemSource.MOST];
  private int pairs;

  /** Begins the files of a piece below a directory, replacing those of an earlier attempt. */
  EmbeddingPart(Path root, int index, boolean withParquet, Configuration hadoop)
      throws IOException {
    this.index = index;
    FileSystem fs = root.getFileSystem(hadoop);
    for (Kind kind : Kind.values()) {
      files.put(
          kind,
          new Files(
              new BufferedOutputStream(fs.create(numbers(root, kind, index), true)),
              new BufferedOutputStream(fs.create(keys(root, kind, index), true))));
      counts.put(kind, 0L);
    }
    this.parquet = withParquet ? parquet(root, index, hadoop) : null;
  }

  private static ParquetWriter<Group> parquet(Path root, int index, Configuration hadoop)
      throws IOException {
    Path file = new Path(root, EmbeddingSet.PARQUET + "/%05d.parquet".formatted(index));
    return ExampleParquetWriter.builder(HadoopOutputFile.fromPath(file, hadoop))
        .withType(SCHEMA)
        .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
        // one encoding a column: Parquet lists several in an order that changes from JVM to JVM
        .withWriterVersion(PARQUET_2_0)
        .withDictionaryEncoding(false)
        .build();
  }

  static Path numbers(Path root, Kind kind, int index) {
    return new Path(root, PARTS + "/%s-%05d".formatted(kind.id(), index));
  }

  static Path keys(Path root, Kind kind, int index) {
    return new Path(root, PARTS + "/%s-%05d.keys".formatted(kind.id(), index));
  }

  void add(Embedded embedded) throws IOException {
    add(Kind.IMAGE, embedded.item().key(), embedded.image());
    add(Kind.TEXT, embedded.item().key(), embedded.text());
    if (embedded.image() != null && embedded.text() != null) {
      double sum = 0;
      for (int p = 0; p < embedded.image().length; p++) {
        sum += (double) embedded.image()[p] * embedded.text()[p];
      }
      scores[pairs++] = (float) sum;
    }
  }

  private void add(Kind kind, String key, float[] row) throws IOException {
    if (row == null) {
      return;
    }
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * row.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(row);
    files.get(kind).numbers().write(bytes.array());
    files.get(kind).keys().write((key + "\n").getBytes(UTF_8));
    counts.merge(kind, 1L, Long::sum);
    if (parquet != null) {
      Group group = groups.newGroup().append("key", key).append("kind", kind.id());
      Group list = group.addGroup("embedding");
      for (float value : row) {
        list.addGroup("list").append("element", value);
      }
      parquet.write(group);
    }
  }

  /** What has been added, once everything is. */
  Written written() {
    return new Written(
        index, counts.get(Kind.IMAGE), counts.get(Kind.TEXT), Arrays.copyOf(scores, pairs));
  }

  @Override
  public void close() throws IOException {
    List<AutoCloseable> open = new ArrayList<>();
    files.values().forEach(each -> open.addAll(List.of(each.numbers(), each.keys())));
    if (parquet != null) {
      open.add(parquet);
    }
    IOException failure = null;
    for (AutoCloseable each : open) {
      try {
        each.close();
      } catch (Exception e) {
        failure = failure == null ? new IOException("Cannot write embeddings", e) : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}

package org.talespark.data.corpus;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BiConsumer;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/** Makes Parquet files. */
final class ParquetFiles {

  static final String BYTES_AND_LIST =
      """
      message m {
        optional group image { optional binary bytes; optional binary path (UTF8); }
        optional group captions (LIST) { repeated group list { optional binary element (UTF8); } }
        optional int64 size; optional double score; optional binary raw;
      }""";

  private ParquetFiles() {}

  static byte[] write(
      Path file,
      String schema,
      CompressionCodecName codec,
      WriterVersion version,
      int rows,
      BiConsumer<Integer, Group> fill)
      throws IOException {
    MessageType type = MessageTypeParser.parseMessageType(schema);
    Files.deleteIfExists(file);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new org.apache.hadoop.fs.Path(file.toUri()))
            .withType(type)
            .withConf(Listed.HADOOP)
            .withCompressionCodec(codec)
            .withWriterVersion(version)
            .withRowGroupSize(4096L)
            .withPageSize(512)
            .build()) {
      for (int i = 0; i < rows; i++) {
        Group row = new SimpleGroup(type);
        fill.accept(i, row);
        writer.write(row);
      }
    }
    Files.deleteIfExists(file.resolveSibling("." + file.getFileName() + ".crc"));
    return Files.readAllBytes(file);
  }

  /** Row {@code i} of {@link #BYTES_AND_LIST}: a picture of {@code i} and two captions. */
  static void row(int i, Group row) {
    row.addGroup("image")
        .append("bytes", org.apache.parquet.io.api.Binary.fromString("P" + i))
        .append("path", i + ".jpg");
    Group captions = row.addGroup("captions");
    captions.addGroup("list").append("element", "first of " + i);
    captions.addGroup("list").append("element", "second");
    row.append("size", (long) i).append("score", 0.5).append("raw", "raw");
  }
}

package org.talespark.data.prepare;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopStreams;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/** The Parquet index: one row for every input, rejected ones included, in the order of keys. */
final class IndexFile {

  private static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          """
          message sample {
            required binary key (STRING);
            required binary source (STRING);
            optional binary split (STRING);
            optional binary caption (STRING);
            required binary status (STRING);
            optional binary reason (STRING);
            optional int32 width;
            optional int32 height;
            required int64 bytes;
            optional binary sha256 (STRING);
            optional binary shard (STRING);
            required int32 caption_repairs;
            required binary metadata (STRING);
          }
          """);

  private IndexFile() {}

  /**
   * Writes the index.
   *
   * @param shards the shard of each accepted key
   */
  static void write(FileSystem fs, Path file, List<Row> rows, Map<String, String> shards)
      throws IOException {
    SimpleGroupFactory groups = new SimpleGroupFactory(SCHEMA);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new Target(fs, file))
            .withType(SCHEMA)
            .withCompressionCodec(CompressionCodecName.SNAPPY)
            .build()) {
      for (Row row : rows) {
        writer.write(group(groups.newGroup(), row, shards));
      }
    }
  }

  private static Group group(Group group, Row row, Map<String, String> shards) {
    group.append("key", row.key());
    group.append("source", row.source());
    group.append("status", row.accepted() ? "accepted" : "rejected");
    group.append("bytes", row.bytes());
    group.append("caption_repairs", row.repairs());
    group.append("metadata", row.metadata());
    if (row.width() > 0) {
      group.append("width", row.width());
      group.append("height", row.height());
    }
    append(group, "caption", row.caption());
    append(group, "sha256", row.sha256());
    if (row.accepted()) {
      group.append("split", row.split().id());
      append(group, "shard", shards.get(row.key()));
    } else {
      group.append("reason", row.reason().id());
    }
    return group;
  }

  private static void append(Group group, String field, String value) {
    if (value != null) {
      group.append(field, value);
    }
  }

  private record Target(FileSystem fs, Path file) implements OutputFile {

    @Override
    public PositionOutputStream create(long blockSizeHint) throws IOException {
      return HadoopStreams.wrap(fs.create(file, false));
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) throws IOException {
      return HadoopStreams.wrap(fs.create(file, true));
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }
  }
}

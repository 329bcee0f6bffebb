package org.talespark.data.prepare;

import static org.apache.spark.sql.types.DataTypes.BinaryType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import java.io.Serializable;
import java.util.List;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** One row of the index. */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record IndexRow(
    String key,
    String source,
    String split,
    List<String> captions,
    String reason,
    String duplicateOf,
    String nearDuplicateOf,
    Integer width,
    Integer height,
    String format,
    long bytes,
    String sha256,
    Long phash,
    byte[] thumbnail,
    String shard,
    int repairs,
    String metadata)
    implements Serializable {

  static final MessageType PARQUET =
      MessageTypeParser.parseMessageType(
          """
          message sample {
            required binary key (STRING);
            required binary source (STRING);
            optional binary split (STRING);
            optional binary caption (STRING);
            required group captions (LIST) {
              repeated group list {
                required binary element (STRING);
              }
            }
            required binary status (STRING);
            optional binary reason (STRING);
            optional binary duplicate_of (STRING);
            optional binary near_duplicate_of (STRING);
            optional int32 width;
            optional int32 height;
            optional binary format (STRING);
            required int64 bytes;
            optional binary sha256 (STRING);
            optional int64 phash;
            optional binary thumbnail;
            optional binary shard (STRING);
            required int32 caption_repairs;
            required binary metadata (STRING);
          }
          """);

  /** The columns of the index as Spark SQL reads them. */
  static final StructType SCHEMA =
      new StructType()
          .add("key", StringType)
          .add("source", StringType)
          .add("split", StringType)
          .add("caption", StringType)
          .add("captions", DataTypes.createArrayType(StringType, false))
          .add("status", StringType)
          .add("reason", StringType)
          .add("duplicate_of", StringType)
          .add("near_duplicate_of", StringType)
          .add("width", IntegerType)
          .add("height", IntegerType)
          .add("format", StringType)
          .add("bytes", LongType)
          .add("sha256", StringType)
          .add("phash", LongType)
          .add("thumbnail", BinaryType)
          .add("shard", StringType)
          .add("caption_repairs", IntegerType)
          .add("metadata", StringType);

  static final String ACCEPTED = "accepted";
  static final String REJECTED = "rejected";

  /** From the ordered rows. */
  static IndexRow of(Row row, String shard) {
    return new IndexRow(
        row.getAs("key"),
        row.getAs("source"),
        row.getAs("split"),
        List.copyOf(row.getList(row.fieldIndex("captions"))),
        row.getAs("reason"),
        row.getAs("duplicate_of"),
        row.getAs("near_duplicate_of"),
        row.getAs("width"),
        row.getAs("height"),
        row.getAs("format"),
        row.getAs("bytes"),
        row.getAs("sha256"),
        row.getAs("phash"),
        row.getAs("thumbnail"),
        shard,
        row.getAs("caption_repairs"),
        row.getAs("metadata"));
  }

  /** Fills in a row of {@link #PARQUET}. */
  Group into(Group group) {
    group.append("key", key);
    group.append("source", source);
    append(group, "split", split);
    append(group, "caption", captions.isEmpty() ? null : captions.get(0));
    Group list = group.addGroup("captions");
    captions.forEach(caption -> list.addGroup("list").append("element", caption));
    group.append("status", reason == null ? ACCEPTED : REJECTED);
    append(group, "reason", reason);
    append(group, "duplicate_of", duplicateOf);
    append(group, "near_duplicate_of", nearDuplicateOf);
    if (width != null) {
      group.append("width", width);
      group.append("height", height);
    }
    append(group, "format", format);
    group.append("bytes", bytes);
    append(group, "sha256", sha256);
    if (phash != null) {
      group.append("phash", phash);
      group.append("thumbnail", Binary.fromConstantByteArray(thumbnail));
    }
    append(group, "shard", shard);
    group.append("caption_repairs", repairs);
    group.append("metadata", metadata);
    return group;
  }

  private static void append(Group group, String field, String value) {
    if (value != null) {
      group.append(field, value);
    }
  }
}

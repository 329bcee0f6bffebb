package org.talespark.data.corpus;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.converter.ParquetMetadataConverter;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.schema.MessageType;
import org.talespark.data.Reason;
import shaded.parquet.org.apache.thrift.TBase;
import shaded.parquet.org.apache.thrift.TConfiguration;
import shaded.parquet.org.apache.thrift.TException;
import shaded.parquet.org.apache.thrift.protocol.TCompactProtocol;
import shaded.parquet.org.apache.thrift.transport.TIOStreamTransport;

/**
 * The end of a Parquet file: its schema and where its column chunks are. Read with limits that the
 * library's own reader does not have, and checked against the file's length, so that a damaged
 * footer allocates nothing.
 *
 * @param schema of the rows
 * @param groups the row groups
 */
record ParquetFooter(MessageType schema, List<BlockMetaData> groups) {

  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] ENCRYPTED = "PARE".getBytes(StandardCharsets.US_ASCII);
  private static final int TAIL = 8;
  private static final int MOST_BYTES = 64 << 20;
  private static final int MOST_PAGE_HEADER_BYTES = 1 << 20;
  private static final int MOST_DEPTH = 64;
  // codecs whose readers allocate no more than a page claims
  private static final Set<CompressionCodecName> CODECS =
      EnumSet.of(
          CompressionCodecName.UNCOMPRESSED,
          CompressionCodecName.SNAPPY,
          CompressionCodecName.GZIP,
          CompressionCodecName.ZSTD,
          CompressionCodecName.LZ4_RAW);

  /**
   * Reads a footer.
   *
   * @throws DamagedParquetException when it cannot be used
   */
  static ParquetFooter read(ParquetInput in) {
    if (in.length() == 0) {
      throw new DamagedParquetException(Reason.EMPTY_FILE, "the file is empty", null);
    }
    if (in.length() < 2L * MAGIC.length + TAIL || !Arrays.equals(in.read(0, 4), MAGIC)) {
      throw new DamagedParquetException(Reason.UNSUPPORTED_FORMAT, "the file is no Parquet", null);
    }
    byte[] tail = in.read(in.length() - TAIL, TAIL);
    byte[] magic = Arrays.copyOfRange(tail, 4, TAIL);
    if (Arrays.equals(magic, ENCRYPTED)) {
      throw new DamagedParquetException(Reason.UNSUPPORTED_FORMAT, "the file is encrypted", null);
    }
    int length = ByteBuffer.wrap(tail).order(ByteOrder.LITTLE_ENDIAN).getInt();
    if (!Arrays.equals(magic, MAGIC) || length < 0 || length > in.length() - TAIL - 4) {
      throw new DamagedParquetException(Reason.TRUNCATED, "the footer is missing", null);
    }
    if (length > MOST_BYTES) {
      throw new DamagedParquetException(
          Reason.FILE_TOO_LARGE, "the footer is too long: bytes=" + length, null);
    }
    try {
      FileMetaData meta = new FileMetaData();
      read(meta, new ByteArrayInputStream(in.read(in.length() - TAIL - length, length)), length);
      var converted = new ParquetMetadataConverter().fromParquetMetadata(meta);
      MessageType schema = converted.getFileMetaData().getSchema();
      checkDepth(schema);
      converted.getBlocks().forEach(block -> check(block, schema, in.length()));
      return new ParquetFooter(schema, converted.getBlocks());
    } catch (DamagedParquetException e) {
      throw e;
    } catch (Exception e) {
      throw new DamagedParquetException(Reason.UNDECODABLE, "the footer is damaged", e);
    }
  }

  /** Reads the header of a page. */
  static PageHeader pageHeader(InputStream in) {
    PageHeader header = new PageHeader();
    try {
      read(header, in, MOST_PAGE_HEADER_BYTES);
    } catch (TException | RuntimeException e) {
      throw new DamagedParquetException(Reason.UNDECODABLE, "a page's header is damaged", e);
    }
    return header;
  }

  /** Lists and strings longer than what is left of the message are refused before allocation. */
  private static void read(TBase<?, ?> target, InputStream in, int most) throws TException {
    TConfiguration limits = new TConfiguration(most, most, MOST_DEPTH);
    target.read(new TCompactProtocol(new TIOStreamTransport(limits, in), most, most));
  }

  private static void checkDepth(MessageType schema) {
    for (var column : schema.getColumns()) {
      if (column.getPath().length > MOST_DEPTH) {
        throw new DamagedParquetException("the schema is nested too deeply");
      }
    }
  }

  private static void check(BlockMetaData block, MessageType schema, long length) {
    // a row has a picture, so it takes more than a bit
    if (block.getRowCount() < 0 || block.getRowCount() > 8 * length) {
      throw new DamagedParquetException(
          "a row group's length is impossible: rows=" + block.getRowCount());
    }
    for (ColumnChunkMetaData chunk : block.getColumns()) {
      long start = chunk.getStartingPos();
      if (start < MAGIC.length
          || chunk.getTotalSize() < 0
          || chunk.getTotalSize() > length - start) {
        throw new DamagedParquetException(
            Reason.TRUNCATED, "a column is beyond the end of the file", null);
      }
      boolean flat = schema.getMaxRepetitionLevel(chunk.getPath().toArray()) == 0;
      if (flat && chunk.getValueCount() != block.getRowCount()) {
        throw new DamagedParquetException(
            "a column's length is not its row group's: values=" + chunk.getValueCount());
      }
      if (!CODECS.contains(chunk.getCodec())) {
        throw new DamagedParquetException(
            Reason.UNSUPPORTED_FORMAT, "the compression is not supported", null);
      }
    }
  }
}

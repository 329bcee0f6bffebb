package org.talespark.data.prepare;

import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.DelegatingPositionOutputStream;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

/** Writes one Parquet file of the index. The bytes depend on the rows alone. */
record IndexTask(Target target, Milestone milestone) implements Serializable {

  /** Small groups keep the memory of a task small. */
  private static final long ROW_GROUP_BYTES = 8L << 20;

  /**
   * Writes.
   *
   * @param number of the file in this run
   * @param rows in the index's order
   * @param attempt unique among attempts
   */
  Target.Written run(int number, Iterator<IndexRow> rows, String attempt, Configuration hadoop)
      throws IOException {
    milestone.reached(Milestone.Place.WRITING_INDEX);
    return target.write(number, attempt, hadoop, out -> parquet(out, rows));
  }

  private static long parquet(Target.CountingStream out, Iterator<IndexRow> rows)
      throws IOException {
    SimpleGroupFactory groups = new SimpleGroupFactory(IndexRow.PARQUET);
    long count = 0;
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new StreamFile(out))
            .withType(IndexRow.PARQUET)
            .withRowGroupSize(ROW_GROUP_BYTES)
            .withCompressionCodec(CompressionCodecName.SNAPPY)
            // one encoding a column: Parquet lists several in an order that changes from JVM to JVM
            .withWriterVersion(WriterVersion.PARQUET_2_0)
            .withDictionaryEncoding(false)
            .build()) {
      while (rows.hasNext()) {
        writer.write(rows.next().into(groups.newGroup()));
        count++;
      }
    }
    return count;
  }

  /** Lets Parquet write into a stream. */
  private record StreamFile(Target.CountingStream out) implements OutputFile {

    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return new DelegatingPositionOutputStream(out) {
        @Override
        public long getPos() {
          return out.count();
        }
      };
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      return create(blockSizeHint);
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

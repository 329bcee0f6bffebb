package org.talespark.data.corpus;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.io.api.Binary;
import org.talespark.data.Reason;

/**
 * Rows of Parquet, named by their number in the file, from 0. At damage, the rows before it are
 * used and the first that cannot be read is refused, for all that follow it in the portion.
 */
final class ParquetCandidates implements Candidates {

  private static final long PAGE_SLACK = 64L << 20;
  private static final int CODEC_BUFFER = 1 << 16;

  private final ParquetPortion portion;
  private final ParquetInput in;
  private final CodecFactory codecs;
  private final RowCandidates rows;
  private ParquetRows converted;
  private RecordReader<Group> reader;
  private long row;
  private boolean damaged;

  ParquetCandidates(ParquetPortion portion, Configuration hadoop) throws IOException {
    this.portion = portion;
    this.row = portion.from();
    this.rows = new RowCandidates(portion.file(), portion.prefix(), portion.limits(), hadoop);
    this.codecs = new CodecFactory(hadoop, CODEC_BUFFER);
    this.in = ParquetInput.open(portion.file(), hadoop);
  }

  @Override
  public boolean hasNext() {
    return !damaged && row < portion.to();
  }

  @Override
  public Candidate next() {
    if (!hasNext()) {
      throw new NoSuchElementException(
          "Cannot read row: file=" + portion.file().source() + " portion is at its end");
    }
    String number = Long.toString(portion.before() + row);
    Row read;
    try {
      if (reader == null) {
        open();
      }
      Group group = reader.read();
      if (group == null) {
        throw new DamagedParquetException("a row group ends too early");
      }
      read = row(group);
    } catch (RuntimeException e) {
      damaged = true;
      return rows.refused(number, reason(e));
    }
    row++;
    try {
      return read.fields() == null
          ? rows.refused(number, Reason.CAPTION_TOO_LONG)
          : rows.of(number, read.fields(), read.picture());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read input: file=" + portion.file().source(), e);
    }
  }

  /** A row out of its page; without fields when a text is too long. */
  private record Row(ObjectNode fields, Blob picture) {}

  private Row row(Group group) {
    if (converted.tooLong(group)) {
      return new Row(null, null);
    }
    Binary picture = converted.picture(group);
    Blob blob = null;
    if (picture != null) {
      blob =
          picture.length() > portion.limits().maxFileBytes()
              ? Blob.skipped(picture.length())
              : Blob.of(picture.getBytes());
    }
    return new Row(converted.fields(group), blob);
  }

  private void open() {
    ParquetFooter footer = ParquetFooter.read(in);
    ParquetColumns columns = ParquetColumns.of(footer.schema(), portion.file().source());
    long most = portion.limits().maxFileBytes() + PAGE_SLACK;
    ParquetPages pages = new ParquetPages(in, footer.groups().get(portion.group()), codecs, most);
    converted = new ParquetRows(columns, portion.limits().maxRowBytes());
    reader =
        new ColumnIOFactory()
            .getColumnIO(columns.schema(), footer.schema())
            .getRecordReader(pages, new GroupRecordConverter(columns.schema()));
    for (long skipped = 0; skipped < portion.from(); skipped++) {
      reader.read();
    }
  }

  /** Failing storage is no damage; the library may have wrapped it. */
  private static Reason reason(RuntimeException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UncheckedIOException storage) {
        throw storage;
      }
      if (cause instanceof DamagedParquetException damage) {
        return damage.reason();
      }
    }
    return Reason.UNDECODABLE;
  }

  @Override
  public void close() throws IOException {
    codecs.release();
    in.close();
  }
}

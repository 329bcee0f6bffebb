package org.talespark.data.corpus;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.page.DataPage;
import org.apache.parquet.column.page.DataPageV1;
import org.apache.parquet.column.page.DataPageV2;
import org.apache.parquet.column.page.DictionaryPage;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.DataPageHeaderV2;
import org.apache.parquet.format.DictionaryPageHeader;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.PageType;
import org.apache.parquet.format.converter.ParquetMetadataConverter;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.ColumnPath;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.talespark.data.Reason;

/**
 * The pages of a row group, one of each column in memory: the library's own reader holds whole row
 * groups, which may be gigabytes. A page longer than the limit makes the rest of the row group
 * {@code file_too_large}.
 */
final class ParquetPages implements PageReadStore {

  private static final ParquetMetadataConverter CONVERTER = new ParquetMetadataConverter();

  private final ParquetInput in;
  private final BlockMetaData block;
  private final CodecFactory codecs;
  private final long most;
  private final Map<ColumnPath, ColumnChunkMetaData> chunks = new HashMap<>();

  /**
   * Opens a row group.
   *
   * @param most bytes that a page may have, stored and decompressed
   */
  ParquetPages(ParquetInput in, BlockMetaData block, CodecFactory codecs, long most) {
    this.in = in;
    this.block = block;
    this.codecs = codecs;
    this.most = most;
    block.getColumns().forEach(chunk -> chunks.put(chunk.getPath(), chunk));
  }

  @Override
  public PageReader getPageReader(ColumnDescriptor column) {
    ColumnChunkMetaData chunk = chunks.get(ColumnPath.get(column.getPath()));
    if (chunk == null) {
      throw new DamagedParquetException("a column is missing from a row group");
    }
    return new Pages(column, chunk);
  }

  @Override
  public long getRowCount() {
    return block.getRowCount();
  }

  /** The pages of one column. */
  private final class Pages implements PageReader {

    private final ColumnDescriptor column;
    private final ColumnChunkMetaData chunk;
    private final ParquetInput.Part part;
    private PageHeader ahead;
    private long values;

    Pages(ColumnDescriptor column, ColumnChunkMetaData chunk) {
      this.column = column;
      this.chunk = chunk;
      long start = chunk.getStartingPos();
      this.part = in.part(start, start + chunk.getTotalSize());
    }

    @Override
    public long getTotalValueCount() {
      return chunk.getValueCount();
    }

    @Override
    public DictionaryPage readDictionaryPage() {
      PageHeader header = header();
      if (header == null || header.getType() != PageType.DICTIONARY_PAGE) {
        ahead = header;
        return null;
      }
      byte[] page = content(header);
      DictionaryPageHeader dictionary = header.getDictionary_page_header();
      byte[] bytes = decompress(page, 0, header.getUncompressed_page_size());
      if (dictionary.getNum_values() < 0 || dictionary.getNum_values() > bytes.length) {
        throw new DamagedParquetException("a dictionary's length is impossible");
      }
      return new DictionaryPage(
          BytesInput.from(bytes),
          dictionary.getNum_values(),
          CONVERTER.getEncoding(dictionary.getEncoding()));
    }

    @Override
    public DataPage readPage() {
      while (values < chunk.getValueCount()) {
        PageHeader header = header();
        if (header == null) {
          throw new DamagedParquetException("a column ends too early");
        }
        byte[] page = content(header);
        if (header.getType() == PageType.DATA_PAGE) {
          return first(header, page);
        }
        if (header.getType() == PageType.DATA_PAGE_V2) {
          return second(header, page);
        }
      }
      return null;
    }

    private DataPage first(PageHeader header, byte[] page) {
      DataPageHeader data = header.getData_page_header();
      count(data.getNum_values());
      byte[] bytes = decompress(page, 0, header.getUncompressed_page_size());
      DataPageV1 read =
          new DataPageV1(
              BytesInput.from(bytes),
              data.getNum_values(),
              bytes.length,
              null,
              CONVERTER.getEncoding(data.getRepetition_level_encoding()),
              CONVERTER.getEncoding(data.getDefinition_level_encoding()),
              CONVERTER.getEncoding(data.getEncoding()));
      PageGuard.check(column, read, bytes);
      return read;
    }

    private DataPage second(PageHeader header, byte[] page) {
      DataPageHeaderV2 data = header.getData_page_header_v2();
      count(data.getNum_values());
      int repetition = data.getRepetition_levels_byte_length();
      int definition = data.getDefinition_levels_byte_length();
      int levels = repetition + definition;
      if (repetition < 0
          || definition < 0
          || levels < 0
          || levels > page.length
          || levels > header.getUncompressed_page_size()) {
        throw new DamagedParquetException("a page's levels are longer than it");
      }
      byte[] values =
          data.isIs_compressed()
              ? decompress(page, levels, header.getUncompressed_page_size() - levels)
              : Arrays.copyOfRange(page, levels, page.length);
      PageGuard.check(
          column,
          data.getNum_values(),
          page,
          repetition,
          definition,
          CONVERTER.getEncoding(data.getEncoding()),
          values);
      return DataPageV2.uncompressed(
          data.getNum_rows(),
          data.getNum_nulls(),
          data.getNum_values(),
          BytesInput.from(page, 0, repetition),
          BytesInput.from(page, repetition, definition),
          CONVERTER.getEncoding(data.getEncoding()),
          BytesInput.from(values),
          null);
    }

    private void count(int count) {
      if (count < 0 || (column.getMaxRepetitionLevel() > 0 && count > PageGuard.MOST_REPEATED)) {
        throw new DamagedParquetException("a page's length is impossible: values=" + count);
      }
      values += count;
    }

    private PageHeader header() {
      PageHeader header = ahead;
      ahead = null;
      return header != null ? header : part.left() <= 0 ? null : ParquetFooter.pageHeader(part);
    }

    private byte[] content(PageHeader header) {
      int stored = header.getCompressed_page_size();
      int size = header.getUncompressed_page_size();
      if (stored < 0 || size < 0 || stored > part.left()) {
        throw new DamagedParquetException("a page's length is impossible: bytes=" + stored);
      }
      if (stored > most || size > most) {
        throw new DamagedParquetException(
            Reason.FILE_TOO_LARGE, "a page is too long: bytes=" + size, null);
      }
      long position = part.position();
      part.position(position + stored);
      return in.read(position, stored);
    }

    private byte[] decompress(byte[] page, int from, int size) {
      CompressionCodecName codec = chunk.getCodec();
      int stored = page.length - from;
      if (codec == CompressionCodecName.UNCOMPRESSED || (stored == 0 && size == 0)) {
        return from == 0 ? page : Arrays.copyOfRange(page, from, page.length);
      }
      if (codec == CompressionCodecName.SNAPPY) {
        PageGuard.checkSnappy(page, from, size);
      }
      try {
        byte[] bytes =
            codecs
                .getDecompressor(codec)
                .decompress(BytesInput.from(page, from, stored), size)
                .toByteArray();
        if (bytes.length != size) {
          throw new DamagedParquetException("a page has another length than its header says");
        }
        return bytes;
      } catch (IOException e) {
        throw new DamagedParquetException(Reason.UNDECODABLE, "a page cannot be decompressed", e);
      }
    }
  }
}

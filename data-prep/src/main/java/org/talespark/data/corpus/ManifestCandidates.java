package org.talespark.data.corpus;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.talespark.data.Reason;

/**
 * The rows of a manifest. A row that is no JSON object, or no CSV row of the header's columns, is
 * refused as {@code undecodable}; one longer than the limits as {@code caption_too_long}, unread;
 * one whose quotes are never closed as {@code truncated}, with all that follows in it.
 */
final class ManifestCandidates implements Candidates {

  private final ManifestPortion portion;
  private final ManifestPortion.Source source;
  private final InputStream in;
  private final RowFramer framer;
  private final RowCandidates rows;
  private final JsonMapper json;
  private final CsvRows csv;
  private long read;

  ManifestCandidates(ManifestPortion portion, Configuration hadoop) throws IOException {
    this.portion = portion;
    this.source = portion.source();
    int most = source.limits().maxRowBytes();
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(most).build())
            .build();
    this.json =
        JsonMapper.builder(factory)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();
    this.csv = source.hasHeader() ? new CsvRows(source.separator(), most) : null;
    this.rows = new RowCandidates(source.file(), source.prefix(), source.limits(), hadoop);
    this.in = at(portion, hadoop);
    this.framer = source.framer(in, portion.offset(), portion.line());
  }

  private static InputStream at(ManifestPortion portion, Configuration hadoop) throws IOException {
    FoundFile file = portion.source().file();
    CompressionCodec codec = Storage.codec(file, hadoop);
    FSDataInputStream stored = Storage.open(file, hadoop);
    try {
      if (codec == null) {
        stored.seek(portion.offset());
        return new Storage.Guarded(stored);
      }
      InputStream content = Storage.decompressed(stored, codec);
      byte[] waste = new byte[1 << 16];
      for (long left = portion.offset(); left > 0; ) {
        int skipped = content.read(waste, 0, (int) Math.min(left, waste.length));
        if (skipped < 0) {
          throw new EOFException(
              "Cannot read input: file=%s has changed since it was listed"
                  .formatted(file.source()));
        }
        left -= skipped;
      }
      return content;
    } catch (IOException | RuntimeException e) {
      stored.close();
      throw e;
    }
  }

  @Override
  public boolean hasNext() {
    return read < portion.rows();
  }

  @Override
  public Candidate next() {
    if (!hasNext()) {
      throw new NoSuchElementException(
          "Cannot read row: file=" + source.file().source() + " portion is at its end");
    }
    read++;
    try {
      if (!framer.next()) {
        throw new EOFException("the file has changed since it was listed");
      }
      return candidate(Long.toString(framer.line()), framer.row());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read input: file=" + source.file().source(), e);
    }
  }

  private Candidate candidate(String line, byte[] row) throws IOException {
    if (framer.cut()) {
      return rows.refused(line, Reason.TRUNCATED);
    }
    if (row == null) {
      return rows.refused(line, Reason.CAPTION_TOO_LONG);
    }
    ObjectNode fields = csv == null ? object(row) : values(row);
    return fields == null ? rows.refused(line, Reason.UNDECODABLE) : rows.of(line, fields, null);
  }

  private ObjectNode object(byte[] row) {
    try {
      JsonNode tree = json.readTree(RawText.decode(row));
      return tree instanceof ObjectNode object ? object : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  private ObjectNode values(byte[] row) {
    List<String> values = csv.parse(row);
    if (values == null || values.size() > source.columns().size()) {
      return null;
    }
    ObjectNode fields = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < values.size(); i++) {
      if (!fields.has(source.columns().get(i))) {
        fields.put(source.columns().get(i), values.get(i));
      }
    }
    return fields;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}

package org.talespark.data.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.dataformat.csv.CsvFactory;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.util.List;

/** Parses one framed row of CSV at a time. */
final class CsvRows {

  private final ObjectReader reader;

  CsvRows(int separator, int most) {
    CsvFactory factory =
        CsvFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(most).build())
            .build();
    this.reader =
        CsvMapper.builder(factory)
            .enable(CsvParser.Feature.WRAP_AS_ARRAY)
            .build()
            .readerFor(String[].class)
            .with(CsvSchema.emptySchema().withColumnSeparator((char) separator));
  }

  /** The row's values; null when it is malformed. */
  List<String> parse(byte[] row) {
    try (MappingIterator<String[]> rows = reader.readValues(RawText.decode(row))) {
      List<String> values = rows.hasNextValue() ? List.of(rows.nextValue()) : null;
      return rows.hasNextValue() ? null : values;
    } catch (JsonProcessingException e) {
      return null;
    } catch (IOException e) {
      throw new IllegalStateException("Cannot parse a row in memory", e);
    }
  }
}

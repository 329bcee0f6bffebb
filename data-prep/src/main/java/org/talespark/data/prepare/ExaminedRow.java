package org.talespark.data.prepare;

import static org.apache.spark.sql.types.DataTypes.BinaryType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.talespark.data.corpus.Candidate;

/** The row of one candidate after the first stage. */
final class ExaminedRow {

  /**
   * {@code id} is unique in a run; {@code base} is the key before it is made unique; {@code
   * spill_file}, {@code spill_offset}, {@code image_bytes} and {@code sidecar_bytes} say where the
   * sample waits: image and sidecar one behind the other.
   */
  static final StructType SCHEMA =
      new StructType()
          .add("id", LongType, false)
          .add("base", StringType, false)
          .add("stem", StringType, false)
          .add("source", StringType, false)
          .add("examined", StringType)
          .add("own_captions", DataTypes.createArrayType(StringType, false), false)
          .add("caption_repairs", IntegerType, false)
          .add("metadata", StringType, false)
          .add("width", IntegerType)
          .add("height", IntegerType)
          .add("format", StringType)
          .add("bytes", LongType, false)
          .add("sha256", StringType)
          .add("phash", LongType)
          .add("thumbnail", BinaryType)
          .add("made_width", IntegerType)
          .add("made_height", IntegerType)
          .add("spill_file", StringType)
          .add("spill_offset", LongType)
          .add("image_bytes", IntegerType)
          .add("sidecar_bytes", IntegerType);

  private ExaminedRow() {}

  /** The row; {@code file} and {@code offset} only matter to accepted candidates. */
  static Row of(long id, Candidate candidate, Examined examined, String file, long offset) {
    Examined.Facts facts = examined.facts();
    Examined.Words words = examined.words();
    Examined.Sample sample = examined.sample();
    boolean sized = facts.width() > 0;
    boolean made = sample != null;
    return RowFactory.create(
        id,
        Keys.of(candidate.name()),
        candidate.stem(),
        candidate.source(),
        examined.reason() == null ? null : examined.reason().id(),
        words.captions().toArray(String[]::new),
        words.repairs(),
        words.metadata(),
        sized ? facts.width() : null,
        sized ? facts.height() : null,
        facts.format(),
        facts.bytes(),
        facts.sha256(),
        made ? sample.fingerprint().phash() : null,
        made ? sample.fingerprint().thumbnail() : null,
        made ? sample.width() : null,
        made ? sample.height() : null,
        made ? file : null,
        made ? offset : null,
        made ? sample.image().length : null,
        made ? sample.sidecar().length : null);
  }
}

package org.talespark.data.corpus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.api.Binary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.Reason;

class ParquetCandidatesTest {

  @TempDir private Path folder;

  private Path pictures(int rows, CompressionCodecName codec, WriterVersion version)
      throws IOException {
    Path file = folder.resolve("p.parquet");
    ParquetFiles.write(file, ParquetFiles.BYTES_AND_LIST, codec, version, rows, ParquetFiles::row);
    return file;
  }

  @Test
  void picturesInStructuresAndCaptionsInListsAreRead() throws IOException {
    Path file = pictures(1, CompressionCodecName.SNAPPY, WriterVersion.PARQUET_1_0);
    assertThat(Listed.all(Format.AUTO, file))
        .containsExactly(
            new Listed(
                "p-0",
                "p.parquet#0",
                file + "#0",
                "P0",
                2,
                List.of("first of 0", "second"),
                "{\"size\":0,\"score\":0.5}",
                null));
  }

  @Test
  void everyCodecAndVersionReadsAlikeInPortionsOfRowGroups() throws IOException {
    for (WriterVersion version : WriterVersion.values()) {
      for (CompressionCodecName codec :
          List.of(
              CompressionCodecName.UNCOMPRESSED,
              CompressionCodecName.SNAPPY,
              CompressionCodecName.GZIP,
              CompressionCodecName.ZSTD,
              CompressionCodecName.LZ4_RAW)) {
        Path file = pictures(700, codec, version);
        Listing listing =
            Corpus.list(List.of(folder.toString()), Format.AUTO, Listed.LIMITS, Listed.HADOOP);
        assertThat(listing.portions()).hasSizeGreaterThan(1);
        List<Listed> read = Listed.all(listing);
        assertThat(read)
            .extracting(Listed::picture)
            .isEqualTo(IntStream.range(0, 700).mapToObj(i -> "P" + i).toList());
        assertThat(read.get(699).captions()).containsExactly("first of 699", "second");
        assertThat(read.get(699).source()).isEqualTo(file + "#699");
      }
    }
  }

  @Test
  void pathsKeysAndPlainColumnsAreRead() throws IOException {
    Files.writeString(folder.resolve("x.jpg"), "X");
    Path file = folder.resolve("q.parquet");
    ParquetFiles.write(
        file,
        "message m { optional binary __key__ (UTF8); optional binary image_path (UTF8);"
            + " optional binary text (UTF8); }",
        CompressionCodecName.SNAPPY,
        WriterVersion.PARQUET_2_0,
        1000,
        (i, row) -> {
          row.append("image_path", i % 2 == 0 ? "x.jpg" : "../x.jpg").append("text", "t" + i);
          if (i < 2) {
            row.append("__key__", "k");
          }
        });
    Listing listing =
        Corpus.list(List.of(file.toString()), Format.AUTO, Listed.LIMITS, Listed.HADOOP);
    List<Listed> read = Listed.all(listing);
    assertThat(read).hasSize(1000);
    assertThat(read.subList(0, 3))
        .extracting(Listed::name, Listed::stem, Listed::picture, Listed::captions, Listed::refused)
        .containsExactly(
            tuple("k", "q.parquet/k", "X", List.of("t0"), null),
            tuple("k", "q.parquet/k", null, List.of("t1"), Reason.UNSAFE_PATH),
            tuple("x", "q.parquet#2", "X", List.of("t2"), null));
    assertThat(read.get(998).captions()).containsExactly("t998");
    assertThat(read).extracting(Listed::source).doesNotHaveDuplicates();
  }

  @Test
  void rangesOfARowGroupHoldItsRowsOnce() throws IOException {
    Path file = pictures(100, CompressionCodecName.GZIP, WriterVersion.PARQUET_1_0);
    FoundFile found = found(file);
    List<Listed> whole = Listed.of(new ParquetPortion(found, "", Listed.LIMITS, 0, 0, 0, 40));
    List<Listed> second = Listed.of(new ParquetPortion(found, "", Listed.LIMITS, 0, 0, 17, 40));
    assertThat(second).isEqualTo(whole.subList(17, 40));
  }

  private static FoundFile found(Path file) throws IOException {
    return new FoundFile(file.toUri().toString(), "p.parquet", Files.size(file), 0, false, false);
  }

  @Test
  void picturesAndCaptionsBeyondTheLimitsAreNotUsed() throws IOException {
    Path file = folder.resolve("r.parquet");
    ParquetFiles.write(
        file,
        "message m { optional binary jpg; optional binary caption (UTF8); }",
        CompressionCodecName.SNAPPY,
        WriterVersion.PARQUET_1_0,
        4,
        (i, row) -> {
          if (i < 3) {
            row.append("jpg", Binary.fromConstantByteArray(new byte[i == 0 ? 1001 : 3]));
          }
          row.append("caption", "c".repeat(i == 1 ? 101 : i == 2 ? 5 << 20 : 1));
        });
    List<Listed> read = Listed.all(Format.AUTO, file);
    assertThat(read)
        .extracting(Listed::pictureBytes, Listed::captions, Listed::refused)
        .containsExactly(
            tuple(1001L, List.of("c"), null),
            tuple(3L, List.of("too long"), null),
            tuple(-1L, List.of(), Reason.CAPTION_TOO_LONG),
            tuple(-1L, List.of("c"), Reason.PICTURE_MISSING));
  }

  @Test
  void filesWithoutPictureOrCaptionSayWhatWasSeen() throws IOException {
    for (String schema :
        List.of(
            "message m { optional binary url (UTF8); optional binary caption (UTF8); }",
            "message m { optional binary image; optional binary title (UTF8); }",
            "message m { optional int64 image; optional binary caption (UTF8); }")) {
      Path file = folder.resolve("s.parquet");
      ParquetFiles.write(
          file, schema, CompressionCodecName.SNAPPY, WriterVersion.PARQUET_1_0, 0, (i, r) -> {});
      assertThatThrownBy(() -> Listed.all(Format.AUTO, file))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("expected one of")
          .hasMessageContaining("s.parquet");
    }
  }

  @Test
  void cutFilesAreTruncatedAndOthersUnsupported() throws IOException {
    byte[] whole =
        Files.readAllBytes(pictures(50, CompressionCodecName.SNAPPY, WriterVersion.PARQUET_1_0));
    assertThat(refusal(Arrays.copyOf(whole, whole.length - 1))).isEqualTo(Reason.TRUNCATED);
    assertThat(refusal(Arrays.copyOf(whole, whole.length / 2))).isEqualTo(Reason.TRUNCATED);
    assertThat(refusal(new byte[0])).isEqualTo(Reason.EMPTY_FILE);
    assertThat(refusal("no Parquet at all".getBytes(UTF_8))).isEqualTo(Reason.UNSUPPORTED_FORMAT);
  }

  private Reason refusal(byte[] bytes) throws IOException {
    Path file = folder.resolve("cut.parquet");
    Files.write(file, bytes);
    List<Listed> read = Listed.all(Format.AUTO, file);
    assertThat(read).hasSize(1);
    assertThat(read.get(0).source()).isEqualTo(file.toString());
    return read.get(0).refused();
  }

  @Test
  void rowsBeforeADamagedPageAreUsed() throws IOException {
    Path file = pictures(40, CompressionCodecName.UNCOMPRESSED, WriterVersion.PARQUET_1_0);
    byte[] bytes = Files.readAllBytes(file);
    String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
    int at = text.indexOf("P30");
    bytes[at - 1] = 0x7F; // the length of a picture
    Files.write(file, bytes);
    List<Listed> read = Listed.all(Format.AUTO, file);
    assertThat(read.subList(0, 30)).allMatch(c -> c.refused() == null);
    assertThat(read.get(30).refused()).isEqualTo(Reason.UNDECODABLE);
    assertThat(read).hasSize(31);
  }
}

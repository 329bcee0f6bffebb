package org.talespark.data.corpus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.talespark.data.BadInputException;

/**
 * Whatever the bytes, a file is candidates, refused candidates or bad input; nothing else is
 * thrown, and nothing large allocated.
 */
class CorpusFuzzTest {

  private static final long MOST_ALLOCATED = 64L << 20;
  private static Path folder;

  @BeforeContainer
  static void makeFolder() throws IOException {
    folder = Files.createTempDirectory("fuzz");
    Files.writeString(folder.resolve("x.jpg"), "X");
  }

  @AfterContainer
  static void removeFolder() throws IOException {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  private static final byte[] TAR =
      new Tars()
          .posix()
          .add("a.jpg", "JJJJ")
          .add("a.txt", "caption")
          .add("é".repeat(80) + ".jpg", "K")
          .link("l.jpg", TarConstants.LF_SYMLINK, "/etc/passwd")
          .bytes();

  private static final byte[] GNU_TAR =
      new Tars().add("n".repeat(200) + ".png", "P").add("b.json", "{}").add("b.jpg", "B").bytes();

  private static final byte[] JSONL =
      """
      {"image":"x.jpg","caption":"c","n":[1,2.5e3,{"a":null}]}
      {"path":"./x.jpg","captions":["\\u00e9","two"],"key":"k"}
      """
          .getBytes(UTF_8);

  private static final byte[] CSV =
      "image,caption,by\nx.jpg,\"two\nlines \"\"q\"\"\",me\nx.jpg,é,\n".getBytes(UTF_8);

  private static byte[] gzip(byte[] bytes) {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(packed)) {
      out.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return packed.toByteArray();
  }

  private static byte[] parquet(CompressionCodecName codec, WriterVersion version) {
    try {
      Path file = Files.createTempFile("sound", ".parquet");
      byte[] bytes =
          ParquetFiles.write(
              file, ParquetFiles.BYTES_AND_LIST, codec, version, 60, ParquetFiles::row);
      Files.delete(file);
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Arbitrary<byte[]> damaged(byte[]... sound) {
    Arbitrary<int[]> edits = Arbitraries.integers().array(int[].class).ofMaxSize(6);
    return Combinators.combine(
            Arbitraries.of(sound),
            edits,
            Arbitraries.doubles().between(0, 2),
            Arbitraries.integers())
        .as(
            (file, changes, share, flip) -> {
              byte[] copy = Arrays.copyOf(file, (int) Math.min(file.length, share * file.length));
              for (int change : changes) {
                if (copy.length > 0) {
                  int at = Math.floorMod(change >> 8, copy.length);
                  copy[at] =
                      flip % 2 == 0 ? (byte) change : (byte) (copy[at] ^ (1 << (change & 7)));
                }
              }
              return copy;
            });
  }

  @Provide
  Arbitrary<byte[]> tars() {
    return damaged(TAR, GNU_TAR);
  }

  /** Damage inside headers whose checksums are right again. */
  @Provide
  Arbitrary<byte[]> summedTars() {
    return damaged(TAR, GNU_TAR).map(CorpusFuzzTest::summed);
  }

  private static byte[] summed(byte[] tar) {
    for (int block = 0; block + 512 <= tar.length; block += 512) {
      if (tar[block + 257] == 'u') {
        int sum = 0;
        for (int i = 0; i < 512; i++) {
          sum += i >= 148 && i < 156 ? ' ' : tar[block + i] & 0xFF;
        }
        System.arraycopy("%06o\0 ".formatted(sum).getBytes(UTF_8), 0, tar, block + 148, 8);
      }
    }
    return tar;
  }

  @Provide
  Arbitrary<byte[]> packed() {
    return damaged(gzip(TAR), gzip(JSONL));
  }

  @Provide
  Arbitrary<byte[]> manifests() {
    return damaged(JSONL, CSV);
  }

  @Provide
  Arbitrary<byte[]> parquets() {
    return damaged(
        parquet(CompressionCodecName.UNCOMPRESSED, WriterVersion.PARQUET_1_0),
        parquet(CompressionCodecName.UNCOMPRESSED, WriterVersion.PARQUET_2_0),
        parquet(CompressionCodecName.SNAPPY, WriterVersion.PARQUET_1_0),
        parquet(CompressionCodecName.ZSTD, WriterVersion.PARQUET_2_0));
  }

  @Property(tries = 800, shrinking = ShrinkingMode.OFF)
  void tarsAreReadOrRefused(@ForAll("tars") byte[] file) {
    read(file, "f.tar");
  }

  @Property(tries = 800, shrinking = ShrinkingMode.OFF)
  void tarsWithHostileHeadersAreReadOrRefused(@ForAll("summedTars") byte[] file) {
    read(file, "f.tar");
  }

  @Property(tries = 300, shrinking = ShrinkingMode.OFF)
  void compressedFilesAreReadOrRefused(@ForAll("packed") byte[] file) {
    read(file, "f.tar.gz");
    read(file, "f.jsonl.gz");
  }

  @Property(tries = 800, shrinking = ShrinkingMode.OFF)
  void manifestsAreReadOrRefused(@ForAll("manifests") byte[] file) {
    read(file, "f.jsonl");
    read(file, "f.csv");
  }

  @Property(tries = 1500, shrinking = ShrinkingMode.OFF)
  void parquetIsReadOrRefused(@ForAll("parquets") byte[] file) {
    read(file, "f.parquet");
  }

  @Property(tries = 200, shrinking = ShrinkingMode.OFF)
  void noiseIsReadOrRefused(@ForAll byte[] file) {
    for (String name :
        List.of("f.tar", "f.tgz", "f.tar.bz2", "f.jsonl", "f.csv", "f.csv.bz2", "f.parquet")) {
      read(file, name);
    }
  }

  private static void read(byte[] bytes, String name) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    Path file = folder.resolve(name);
    try {
      Files.write(file, bytes);
      Set<String> sources = new HashSet<>();
      for (Listed candidate : Listed.all(Format.AUTO, file)) {
        assertThat(sources.add(candidate.source())).isTrue();
        assertThat(candidate.picture() != null || candidate.refused() != null).isTrue();
      }
    } catch (BadInputException e) {
      assertThat(e).hasMessageContaining("expected");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(MOST_ALLOCATED);
  }
}

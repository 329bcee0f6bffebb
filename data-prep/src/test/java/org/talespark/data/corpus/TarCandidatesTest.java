package org.talespark.data.corpus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.Reason;

class TarCandidatesTest {

  @TempDir private Path folder;

  private List<Listed> read(Tars tar) throws IOException {
    return read("a.tar", tar.bytes());
  }

  private List<Listed> read(String name, byte[] bytes) throws IOException {
    Path file = folder.resolve(name);
    Files.write(file, bytes);
    return Listed.all(Format.AUTO, file);
  }

  private static byte[] twoSamples() {
    return new Tars()
        .add("0.jpg", "J0")
        .add("0.txt", "zero")
        .add("1.jpg", "J1")
        .add("1.txt", "one")
        .bytes();
  }

  @Test
  void membersThatShareANameUpToItsFirstDotAreASample() throws IOException {
    List<Listed> read =
        read(
            new Tars()
                .add("train/0001.JPG", "J")
                .add("train/0001.seg.png", "mask")
                .add("train/0001.txt", "a cat")
                .add("train/0001.json", "{\"a\":1}")
                .add("val/0001.png", "P")
                .add("val/0001.cls", "7"));
    String tar = folder.resolve("a.tar").toString();
    assertThat(read)
        .containsExactly(
            new Listed(
                "train/0001",
                "a.tar/train/0001",
                tar + "#train/0001.JPG",
                "J",
                1,
                List.of("a cat"),
                "{\"a\":1}",
                null),
            new Listed(
                "val/0001",
                "a.tar/val/0001",
                tar + "#val/0001.png",
                "P",
                1,
                List.of(),
                null,
                null));
  }

  @Test
  void aKeyThatComesBackIsACandidateOfTheSameStemAndAnotherSource() throws IOException {
    List<Listed> read =
        read(new Tars().add("a.jpg", "1").add("b.jpg", "2").add("a.jpg", "3").add("c.jpg", "4"));
    assertThat(read).extracting(Listed::name).containsExactly("a", "b", "a", "c");
    assertThat(read.get(0).stem()).isEqualTo(read.get(2).stem());
    assertThat(read).extracting(Listed::source).doesNotHaveDuplicates();
    assertThat(read.get(2).source()).endsWith("#a.jpg@2560");
  }

  @Test
  void aSecondPictureOfASampleIsADuplicateKey() throws IOException {
    List<Listed> read = read(new Tars().add("a.jpg", "1").add("a.png", "2").add("a.txt", "t"));
    assertThat(read).hasSize(2);
    assertThat(read)
        .anySatisfy(
            c -> {
              assertThat(c.picture()).isEqualTo("1");
              assertThat(c.captions()).containsExactly("t");
              assertThat(c.refused()).isNull();
            })
        .anySatisfy(c -> assertThat(c.refused()).isEqualTo(Reason.DUPLICATE_KEY));
  }

  @Test
  void captionsWithoutAPictureAreCountedAndHiddenMembersAreNot() throws IOException {
    List<Listed> read =
        read(
            new Tars()
                .add("__index__.txt", "x")
                .add("._0.jpg", "mac")
                .add(".git/0.jpg", "hidden")
                .add("notes", "no extension")
                .add("0.json", "{}")
                .add("orphan.txt", "words"));
    assertThat(read).hasSize(1);
    assertThat(read.get(0).name()).isEqualTo("orphan");
    assertThat(read.get(0).refused()).isEqualTo(Reason.PICTURE_MISSING);
  }

  @Test
  void longAndForeignNamesAreReadInEveryDialect() throws IOException {
    String deep = "d".repeat(120) + "/" + "é".repeat(90);
    for (Tars tar : List.of(new Tars(), new Tars().posix())) {
      List<Listed> read =
          read(tar.add(deep + ".jpg", "J").add(deep + ".txt", "t").add("./plain.png", "P"));
      assertThat(read).extracting(Listed::name).containsExactly(deep, "plain");
      assertThat(read.get(0).captions()).containsExactly("t");
    }
  }

  @Test
  void pathTricksAreRefusedAndNeverFollowed() throws IOException {
    List<Listed> read =
        read(
            new Tars()
                .add("../up.jpg", "1")
                .add("a/../../up.jpg", "2")
                .add("/etc/passwd.jpg", "3")
                .add("a\\..\\..\\up.jpg", "4")
                .link("sym.jpg", TarConstants.LF_SYMLINK, "/etc/passwd")
                .link("hard.jpg", TarConstants.LF_LINK, "../x.jpg")
                .link("fifo.jpg", TarConstants.LF_FIFO, "")
                .link("dev.jpg", TarConstants.LF_CHR, "")
                .add("fine..jpg", "not a picture: its extension is .jpg")
                .add("ok.jpg", "J"));
    assertThat(read).hasSize(9);
    assertThat(read.subList(0, 8))
        .allSatisfy(
            c -> {
              assertThat(c.refused()).isEqualTo(Reason.UNSAFE_PATH);
              assertThat(c.picture()).isNull();
            });
    assertThat(read.get(8).picture()).isEqualTo("J");
    assertThat(read).extracting(Listed::source).doesNotHaveDuplicates();
  }

  @Test
  void everyCutIsReportedAndLosesNoWholeSampleBeforeIt() throws IOException {
    byte[] whole = twoSamples();
    assertThat(read("whole.tar", whole)).hasSize(2).allMatch(c -> c.refused() == null);
    for (int cut = 1; cut <= 8 * 512; cut += 37) {
      List<Listed> read = read("cut.tar", Arrays.copyOf(whole, cut));
      Listed last = read.get(read.size() - 1);
      assertThat(last.source()).endsWith("cut.tar");
      assertThat(last.refused())
          .isEqualTo(cut < 512 ? Reason.UNSUPPORTED_FORMAT : Reason.TRUNCATED);
      List<Listed> used = read.stream().filter(c -> c.refused() == null).toList();
      assertThat(used).hasSizeGreaterThanOrEqualTo(cut >= 5 * 512 ? 1 : 0);
      if (cut >= 4 * 512) {
        assertThat(used.get(0).captions()).containsExactly("zero");
      }
    }
  }

  @Test
  void aSampleWhoseMemberIsCutIsTruncatedToo() throws IOException {
    List<Listed> read = read("cut.tar", Arrays.copyOf(twoSamples(), 7 * 512 + 1));
    assertThat(read)
        .extracting(Listed::refused)
        .containsExactly(null, Reason.TRUNCATED, Reason.TRUNCATED);
    assertThat(read.get(1).name()).isEqualTo("1");
  }

  @Test
  void aDamagedHeaderEndsTheTar() throws IOException {
    byte[] tar = twoSamples();
    tar[4 * 512 + 3] ^= 1;
    List<Listed> read = read("bad.tar", tar);
    assertThat(read).extracting(Listed::refused).containsExactly(null, Reason.TRUNCATED);
  }

  @Test
  void whatIsNoTarIsUnsupportedAndAnEmptyFileEmpty() throws IOException {
    assertThat(read("junk.tar", "x".repeat(5000).getBytes(UTF_8)))
        .extracting(Listed::refused)
        .containsExactly(Reason.UNSUPPORTED_FORMAT);
    assertThat(read("junk.tar.gz", "x".repeat(5000).getBytes(UTF_8)))
        .extracting(Listed::refused)
        .containsExactly(Reason.UNSUPPORTED_FORMAT);
    assertThat(read("empty.tar", new byte[0]))
        .extracting(Listed::refused)
        .containsExactly(Reason.EMPTY_FILE);
    assertThat(read("none.tar", new byte[1024])).isEmpty();
  }

  @Test
  void compressedTarsReadAlikeAndReportCuts() throws IOException {
    List<Listed> plain = read("a.tar", twoSamples());
    for (String name : List.of("a.tar.gz", "a.tgz", "a.tar.bz2", "a.tbz2")) {
      byte[] packed = packed(twoSamples(), name.contains("b"));
      assertThat(read(name, packed))
          .usingRecursiveFieldByFieldElementComparatorIgnoringFields("stem", "source")
          .isEqualTo(plain);
      List<Listed> cut = read(name, Arrays.copyOf(packed, packed.length - 12));
      assertThat(cut.get(cut.size() - 1).refused())
          .isIn(Reason.TRUNCATED, Reason.UNSUPPORTED_FORMAT);
    }
  }

  private static byte[] packed(byte[] bytes, boolean bzip2) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out =
        bzip2 ? new BZip2CompressorOutputStream(packed) : new GZIPOutputStream(packed)) {
      out.write(bytes);
    }
    return packed.toByteArray();
  }

  @Test
  void tooLongMembersKeepTheirLengthAndAreNotRead() throws IOException {
    for (String name : List.of("a.tar", "a.tar.gz")) {
      byte[] tar =
          new Tars()
              .add("a.jpg", new byte[1001])
              .add("a.txt", new byte[101])
              .add("b.jpg", new byte[1000])
              .bytes();
      List<Listed> read = read(name, name.endsWith("z") ? packed(tar, false) : tar);
      assertThat(read).hasSize(2);
      assertThat(read.get(0).pictureBytes()).isEqualTo(1001);
      assertThat(read.get(0).captions()).containsExactly("too long");
      assertThat(read.get(1).picture()).hasSize(1000);
    }
  }

  @Test
  void aMemberOfFourGigabytesCostsASeek() throws IOException {
    long huge = (4L << 30) + 1;
    byte[] tar = new Tars().add("a.jpg", "J").add("b.jpg", "B").bytes();
    byte[] header = Arrays.copyOf(tar, 512);
    header[124] = (byte) 0x80; // base 256: the length is the field's last bytes
    for (int i = 0; i < 11; i++) {
      header[135 - i] = (byte) (i < 8 ? huge >>> (8 * i) : 0);
    }
    int sum = 0;
    Arrays.fill(header, 148, 156, (byte) ' ');
    for (byte b : header) {
      sum += b & 0xFF;
    }
    System.arraycopy("%06o\0 ".formatted(sum).getBytes(UTF_8), 0, header, 148, 8);
    Path file = folder.resolve("huge.tar");
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.write(header);
      out.seek(512 + (huge + 511) / 512 * 512);
      out.write(tar, 1024, tar.length - 1024);
    }
    List<Listed> read = Listed.all(Format.AUTO, file);
    Files.delete(file);
    assertThat(read).extracting(Listed::pictureBytes).containsExactly(huge, 1L);
    assertThat(read.get(1).picture()).isEqualTo("B");
  }

  @Test
  void headersOfMegabytesAreRefusedWithoutBeingHeld() throws IOException {
    List<Listed> read =
        read(
            new Tars()
                .raw("././@LongLink", TarConstants.LF_GNUTYPE_LONGNAME, new byte[3 << 20])
                .add("long.jpg", "J")
                .raw("pax", TarConstants.LF_PAX_EXTENDED_HEADER_LC, new byte[3 << 20])
                .add("pax.jpg", "J")
                .add("ok.jpg", "K"));
    assertThat(read)
        .extracting(Listed::refused)
        .containsExactly(Reason.UNSAFE_PATH, Reason.UNSAFE_PATH, null);
  }
}

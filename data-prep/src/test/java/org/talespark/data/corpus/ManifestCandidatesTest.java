package org.talespark.data.corpus;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.Reason;

class ManifestCandidatesTest {

  private static final String BOM = "\uFEFF";

  @TempDir private Path folder;

  @BeforeEach
  void pictures() throws IOException {
    Files.createDirectories(folder.resolve("in/pics"));
    Files.writeString(folder.resolve("in/pics/x.jpg"), "X");
    Files.writeString(folder.resolve("in/y z.png"), "Y");
    Files.writeString(folder.resolve("out.jpg"), "O");
  }

  private List<Listed> read(String name, String content) throws IOException {
    return read(name, content.getBytes(UTF_8));
  }

  private List<Listed> read(String name, byte[] content) throws IOException {
    Path file = folder.resolve("in").resolve(name);
    Files.write(file, content);
    return Listed.all(Format.AUTO, file);
  }

  @Test
  void linesOfJsonGivePicturesCaptionsAndMetadata() throws IOException {
    List<Listed> read =
        read(
            "m.jsonl",
            BOM
                + "{\"image\":\"pics/x.jpg\",\"caption\":\"a cat\",\"license\":\"CC0\"}\r\n\n"
                + "{\"file_name\":\"y z.png\",\"captions\":[\"one\",\"two\"],\"key\":7}");
    String source = folder + "/in/m.jsonl#";
    assertThat(read)
        .containsExactly(
            new Listed(
                "pics/x",
                "m.jsonl#1",
                source + 1,
                "X",
                1,
                List.of("a cat"),
                "{\"license\":\"CC0\"}",
                null),
            new Listed("7", "m.jsonl/7", source + 3, "Y", 1, List.of("one", "two"), null, null));
  }

  @Test
  void malformedLinesAreRefusedByTheirNumber() throws IOException {
    List<Listed> read =
        read(
            "m.jsonl",
            "{\"image\":\"pics/x.jpg\",\"caption\":\"c\"}\n{broken\n[1]\n\"text\"\n{} {}\n"
                + "{\"caption\":\"no picture\"}\n{\"image\":null,\"caption\":\"c\"}\n"
                + "[".repeat(5000)
                + "\n");
    assertThat(read)
        .extracting(c -> c.source().replaceAll(".*#", ""), Listed::refused)
        .containsExactly(
            tuple("1", null),
            tuple("2", Reason.UNDECODABLE),
            tuple("3", Reason.UNDECODABLE),
            tuple("4", Reason.UNDECODABLE),
            tuple("5", Reason.UNDECODABLE),
            tuple("6", Reason.PICTURE_MISSING),
            tuple("7", Reason.PICTURE_MISSING),
            tuple("8", Reason.UNDECODABLE));
  }

  @Test
  void bytesThatAreNoUtf8ReachTheCaptionAsTheyAre() throws IOException {
    byte[] line =
        "{\"image\":\"pics/x.jpg\",\"caption\":\"caf\u00e9 \\u00e9 \u00ff\u00fe\",\"by\":\"\u00e9\"}"
            .getBytes(ISO_8859_1);
    List<Listed> read = read("m.jsonl", line);
    assertThat(read.get(0).captions()).containsExactly("caf\u00e9 \u00c3\u00a9 \u00ff\u00fe");
    assertThat(read.get(0).metadata().getBytes(ISO_8859_1))
        .isEqualTo("{\"by\":\"\uFFFD\"}".getBytes(UTF_8));
    List<Listed> csv = read("m.csv", "image,caption\npics/x.jpg,caf\u00e9\n".getBytes(ISO_8859_1));
    assertThat(csv.get(0).captions()).containsExactly("caf\u00e9");
  }

  @Test
  void pathsStayInTheManifestsFolder() throws IOException {
    Files.createSymbolicLink(folder.resolve("in/link.jpg"), folder.resolve("out.jpg"));
    Files.createSymbolicLink(folder.resolve("in/dir"), folder);
    String absolute = folder.resolve("out.jpg").toString();
    List<String> paths =
        List.of(
            "../out.jpg",
            "pics/../../out.jpg",
            "pics/../pics/x.jpg",
            "./pics//x.jpg",
            absolute,
            "file://" + absolute,
            folder + "/in/../out.jpg",
            "link.jpg",
            "dir/out.jpg",
            "/dev/zero",
            "pics",
            "none.jpg",
            "a:b.jpg",
            "nosuchscheme://h/x.jpg",
            "https://example.com/x.jpg",
            "x\\u0000.jpg",
            "p%20s.jpg",
            "");
    StringBuilder manifest = new StringBuilder();
    paths.forEach(p -> manifest.append("{\"image\":\"%s\",\"caption\":\"c\"}\n".formatted(p)));
    List<Listed> read = read("m.jsonl", manifest.toString());
    assertThat(read)
        .extracting(Listed::picture, Listed::refused)
        .containsExactly(
            tuple(null, Reason.UNSAFE_PATH),
            tuple(null, Reason.UNSAFE_PATH),
            tuple("X", null),
            tuple("X", null),
            tuple("O", null),
            tuple("O", null),
            tuple(null, Reason.UNSAFE_PATH),
            tuple(null, Reason.UNSAFE_PATH),
            tuple(null, Reason.UNSAFE_PATH),
            tuple(null, Reason.UNSAFE_PATH),
            tuple(null, Reason.PICTURE_MISSING),
            tuple(null, Reason.PICTURE_MISSING),
            tuple(null, Reason.PICTURE_MISSING),
            tuple(null, Reason.PICTURE_MISSING),
            tuple(null, Reason.PICTURE_MISSING),
            tuple(null, Reason.PICTURE_MISSING),
            tuple(null, Reason.PICTURE_MISSING),
            tuple(null, Reason.PICTURE_MISSING));
    assertThat(read).extracting(Listed::stem).doesNotHaveDuplicates();
  }

  @Test
  void rowsOfCsvMayHoldQuotesAndLineBreaks() throws IOException {
    List<Listed> read =
        read(
            "m.csv",
            BOM
                + "Image,Caption,by\r\n"
                + "pics/x.jpg,\"two\nlines, \"\"quoted\"\"\",me\r\n"
                + "y z.png,plain,\r\n"
                + "short.png\r\n"
                + "a,b,c,too many\r\n"
                + "a,\"b\"c,d\r\n"
                + "y z.png,,me\n");
    assertThat(read)
        .extracting(c -> c.source().replaceAll(".*#", ""), Listed::captions, Listed::refused)
        .containsExactly(
            tuple("2", List.of("two\nlines, \"quoted\""), null),
            tuple("4", List.of("plain"), null),
            tuple("5", List.of(), Reason.PICTURE_MISSING),
            tuple("6", List.of(), Reason.UNDECODABLE),
            tuple("7", List.of(), Reason.UNDECODABLE),
            tuple("8", List.of(""), null));
    assertThat(read.get(0).metadata()).isEqualTo("{\"by\":\"me\"}");
  }

  @Test
  void anUnclosedQuoteIsTruncated() throws IOException {
    List<Listed> read = read("m.csv", "image,caption\npics/x.jpg,a\npics/x.jpg,\"b\nc,d\n");
    assertThat(read).extracting(Listed::refused).containsExactly(null, Reason.TRUNCATED);
  }

  @Test
  void tabsAndSemicolonsSeparateToo() throws IOException {
    assertThat(read("m.tsv", "image\tcaption\npics/x.jpg\ta, b\n").get(0).captions())
        .containsExactly("a, b");
    assertThat(read("m.csv", "image;caption\npics/x.jpg;\"a; b\"\n").get(0).captions())
        .containsExactly("a; b");
  }

  @Test
  void theColumnOfThePathIsFoundAmongOthers() throws IOException {
    List<Listed> read = read("m.csv", "bytes,image,path,caption\n7,,pics/x.jpg,c\n");
    assertThat(read.get(0).picture()).isEqualTo("X");
    assertThat(read.get(0).metadata()).isEqualTo("{\"bytes\":\"7\",\"image\":\"\"}");
  }

  @Test
  void headersWithoutPictureOrCaptionSayWhatWasSeen() {
    for (String header : List.of("url,caption", "image,title", "\"open", "x")) {
      assertThatThrownBy(() -> read("m.csv", header + "\na,b\n"))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("m.csv")
          .hasMessageContaining("expected")
          .hasMessageContaining("try");
    }
  }

  @Test
  void emptyManifestsAreCounted() throws IOException {
    for (String name : List.of("m.jsonl", "m.csv")) {
      assertThat(read(name, "\n")).extracting(Listed::refused).containsExactly(Reason.EMPTY_FILE);
    }
  }

  @Test
  void rowsAreTheSameInPortionsAndCompressed() throws IOException {
    StringBuilder rows = new StringBuilder("image,caption\n");
    for (int i = 0; i < 2600; i++) {
      rows.append("pics/x.jpg,\"caption\n").append(i).append("\"\n");
    }
    byte[] bytes = rows.toString().getBytes(UTF_8);
    List<Listed> plain = read("m.csv", bytes);
    assertThat(plain).hasSize(2600);
    for (int i = 0; i < 2600; i += 333) {
      assertThat(plain.get(i).captions()).containsExactly("caption\n" + i);
      assertThat(plain.get(i).source()).endsWith("#" + (2 + 2 * i));
    }
    for (String name : List.of("m.csv.gz", "m.csv.bz2")) {
      Path file = folder.resolve("in").resolve(name);
      try (OutputStream out = Files.newOutputStream(file);
          OutputStream packed =
              name.endsWith("gz")
                  ? new GZIPOutputStream(out)
                  : new BZip2CompressorOutputStream(out)) {
        packed.write(bytes);
      }
      Listing listing =
          Corpus.list(List.of(file.toString()), Format.AUTO, Listed.LIMITS, Listed.HADOOP);
      assertThat(listing.portions()).hasSizeBetween(2, 32);
      assertThat(Listed.all(listing))
          .usingRecursiveFieldByFieldElementComparatorIgnoringFields("stem", "source")
          .isEqualTo(plain);
      byte[] whole = Files.readAllBytes(file);
      List<Listed> cut = read(name, Arrays.copyOf(whole, whole.length * 9 / 10));
      assertThat(cut.get(cut.size() - 1).refused()).isEqualTo(Reason.TRUNCATED);
      List<Listed> used = new ArrayList<>(cut.subList(0, cut.size() - 1));
      assertThat(used)
          .extracting(Listed::captions)
          .isEqualTo(plain.subList(0, used.size()).stream().map(Listed::captions).toList());
    }
  }

  @Test
  void aLineOfAHundredMegabytesIsRefusedWithoutBeingHeld() throws IOException {
    Path file = folder.resolve("in/big.jsonl");
    byte[] chunk = "c".repeat(1 << 20).getBytes(UTF_8);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write("{\"image\":\"pics/x.jpg\",\"caption\":\"".getBytes(UTF_8));
      for (int i = 0; i < 100; i++) {
        out.write(chunk);
      }
      out.write("\"}\n{\"image\":\"pics/x.jpg\",\"caption\":\"c\"}\n".getBytes(UTF_8));
    }
    long before = allocated();
    List<Listed> read = Listed.all(Format.AUTO, file);
    assertThat(allocated() - before).isLessThan(64L << 20);
    assertThat(read).extracting(Listed::refused).containsExactly(Reason.CAPTION_TOO_LONG, null);
    assertThat(read.get(1).source()).endsWith("#2");
  }

  private static long allocated() {
    return ((com.sun.management.ThreadMXBean)
            java.lang.management.ManagementFactory.getThreadMXBean())
        .getCurrentThreadAllocatedBytes();
  }

  @Test
  void captionsBeyondTheLimitKeepTheirLength() throws IOException {
    String line = "{\"image\":\"pics/x.jpg\",\"caption\":\"%s\"}".formatted("c".repeat(101));
    assertThat(read("m.jsonl", line).get(0).captions()).containsExactly("too long");
  }
}

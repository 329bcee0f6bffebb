package org.talespark.data.corpus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.Reason;

class CorpusTest {

  @TempDir private Path folder;
  @TempDir private Path outside;

  private Path write(String name, String content) throws IOException {
    return write(name, content.getBytes(UTF_8));
  }

  private Path write(String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, content);
  }

  @Test
  void foldersGivePicturesWithWhatStandsBesideThem() throws IOException {
    write("a/x.jpg", "X");
    write("a/x.txt", "a caption");
    write("a/x.json", "{}");
    write("a/b/y.PNG", "Y");
    write("orphan.txt", "words");
    write(".hidden/z.jpg", "no");
    write("_tmp.jpg", "no");
    write("stories.jsonl", "{}");
    List<Listed> read = Listed.all(Format.AUTO, folder);
    assertThat(read)
        .containsExactly(
            new Listed("a/b/y", "a/b/y", folder + "/a/b/y.PNG", "Y", 1, List.of(), null, null),
            new Listed("a/x", "a/x", folder + "/a/x.jpg", "X", 1, List.of("a caption"), "{}", null),
            new Listed(
                "orphan",
                "orphan",
                folder + "/orphan.txt",
                null,
                -1,
                List.of("words"),
                null,
                Reason.PICTURE_MISSING));
  }

  @Test
  void linksInFoldersAreRefused() throws IOException {
    Files.write(outside.resolve("s.jpg"), new byte[] {1});
    write("ok.jpg", "J");
    Files.createSymbolicLink(folder.resolve("link.jpg"), outside.resolve("s.jpg"));
    Files.createSymbolicLink(folder.resolve("dir"), outside);
    assertThat(Listed.all(Format.AUTO, folder))
        .extracting(Listed::name, Listed::refused)
        .containsExactlyInAnyOrder(
            tuple("ok", null), tuple("link", Reason.UNSAFE_PATH), tuple("dir", Reason.UNSAFE_PATH));
  }

  @Test
  void linksToNothingAreRefused() throws IOException {
    write("ok.jpg", "J");
    Path gone = outside.resolve("gone");
    for (String name : List.of("a: b%20.jpg", "folder", "words.txt", ".hidden.jpg")) {
      Files.createSymbolicLink(folder.resolve(name), gone);
    }
    Files.createSymbolicLink(folder.resolve("loop.png"), folder.resolve("loop.png"));
    assertThat(Listed.all(Format.AUTO, folder))
        .extracting(Listed::source, Listed::refused)
        .containsExactlyInAnyOrder(
            tuple(folder + "/ok.jpg", null),
            tuple(folder + "/a: b%20.jpg", Reason.UNSAFE_PATH),
            tuple(folder + "/folder", Reason.UNSAFE_PATH),
            tuple(folder + "/loop.png", Reason.UNSAFE_PATH));
  }

  @Test
  void linksToNothingBesideTarsAreRefused() throws IOException {
    write("s/0.tar", new Tars().add("x.jpg", "0").bytes());
    for (String name : List.of("s/1.tar", "s/more")) {
      Files.createSymbolicLink(folder.resolve(name), outside.resolve("gone"));
    }
    assertThat(Listed.all(Format.AUTO, folder.resolve("s")))
        .extracting(Listed::stem, Listed::refused)
        .containsExactlyInAnyOrder(
            tuple("0.tar/x", null),
            tuple("1.tar", Reason.UNSAFE_PATH),
            tuple("more", Reason.UNSAFE_PATH));
  }

  @Test
  void picturesBeyondTheLimitKeepTheirLength() throws IOException {
    write("big.jpg", new byte[1001]);
    Listing listing =
        Corpus.list(List.of(folder.toString()), Format.FOLDER, Listed.LIMITS, Listed.HADOOP);
    try (Candidates candidates = listing.portions().get(0).open(Listed.HADOOP)) {
      Blob picture = candidates.next().picture();
      assertThat(picture.bytes()).isEqualTo(1001);
      assertThatThrownBy(picture::read).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void portionsAreCutByTheInputAlone() throws IOException {
    for (int i = 0; i < 600; i++) {
      write("p%03d.jpg".formatted(i), "J");
    }
    Listing listing =
        Corpus.list(List.of(folder.toString()), Format.AUTO, Listed.LIMITS, Listed.HADOOP);
    assertThat(listing.portions()).hasSize(3);
    assertThat(Listed.all(listing)).hasSize(600);
  }

  @Test
  void theFingerprintFollowsNamesLengthsAndTimes() throws IOException {
    Path file = write("a.jpg", "J");
    String first = fingerprint();
    assertThat(fingerprint()).isEqualTo(first).hasSize(64);
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
    String second = fingerprint();
    write("b.jpg", "J");
    assertThat(List.of(first, second, fingerprint())).doesNotHaveDuplicates();
  }

  private String fingerprint() {
    return Corpus.list(List.of(folder.toString()), Format.AUTO, Listed.LIMITS, Listed.HADOOP)
        .fingerprint();
  }

  @Test
  void severalInputsGetPrefixesAndMayBeOfDifferentKinds() throws IOException {
    write("one/pics/x.jpg", "1");
    write("two/pics/x.jpg", "2");
    write("three/t.tar", new Tars().add("x.jpg", "3").bytes());
    write("four/m.jsonl", "{\"image\":\"x.jpg\",\"caption\":\"c\"}\n");
    write("four/x.jpg", "4");
    assertThat(
            Listed.all(
                Format.AUTO,
                folder.resolve("one/pics"),
                folder.resolve("two/pics"),
                folder.resolve("three/t.tar"),
                folder.resolve("four/m.jsonl")))
        .extracting(Listed::name, Listed::picture)
        .containsExactly(
            tuple("pics/x", "1"),
            tuple("pics-1/x", "2"),
            tuple("t.tar/x", "3"),
            tuple("m.jsonl/x", "4"));
  }

  @Test
  void theSameFileInTwoInputsIsRefused() throws IOException {
    write("a/b/x.jpg", "1");
    assertThatThrownBy(() -> Listed.all(Format.AUTO, folder.resolve("a"), folder.resolve("a/b")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("holds too");
  }

  @Test
  void globsMatchFilesAndFolders() throws IOException {
    write("s/0.tar", new Tars().add("x.jpg", "0").bytes());
    write("s/1.tar", new Tars().add("x.jpg", "1").bytes());
    write("s/stats.json", "{}");
    write("d-1/x.jpg", "2");
    write("d-2/x.jpg", "3");
    assertThat(Listed.all(Format.AUTO, folder.resolve("s/*.tar")))
        .extracting(Listed::stem)
        .containsExactly("0.tar/x", "1.tar/x");
    assertThat(Listed.all(Format.AUTO, folder.resolve("s"))).hasSize(2);
    assertThat(Listed.all(Format.AUTO, folder.resolve("d-*")))
        .extracting(Listed::stem)
        .containsExactly("d-1/x", "d-2/x");
  }

  @Test
  void explicitFormatsTakeNamedFilesWhateverTheirExtension() throws IOException {
    write("x.jpg", "X");
    Path file = write("list.data", "{\"image\":\"x.jpg\",\"caption\":\"c\"}");
    assertThat(Listed.all(Format.JSONL, file)).extracting(Listed::picture).containsExactly("X");
    assertThatThrownBy(() -> Listed.all(Format.AUTO, file))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("--format");
  }

  @Test
  void wrongAndAmbiguousInputsSayWhatWasSeenAndWhatToDo() throws IOException {
    write("mixed/a.jpg", "J");
    write("mixed/a.tar", new byte[1024]);
    write("described/a.jpg", "J");
    write("described/metadata.csv", "file_name,text\na.jpg,t\n");
    write("empty/.keep", "");
    write("other/a.docx", "");
    assertThatThrownBy(() -> Listed.all(Format.AUTO, folder.resolve("mixed")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("1 pictures, 1 tars")
        .hasMessageContaining("folder, webdataset");
    assertThatThrownBy(() -> Listed.all(Format.AUTO, folder.resolve("described")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("csv");
    assertThat(Listed.all(Format.CSV, folder.resolve("described")))
        .extracting(Listed::picture)
        .containsExactly("J");
    assertThat(Listed.all(Format.FOLDER, folder.resolve("mixed"))).hasSize(1);
    for (String name : List.of("empty", "other", "missing", "mixed/a.jpg", "none-*", "open[")) {
      assertThatThrownBy(() -> Listed.all(Format.AUTO, folder.resolve(name)))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("expected")
          .hasMessageContaining("try");
    }
    assertThatThrownBy(() -> Listed.all(Format.PARQUET, folder.resolve("mixed")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no Parquet files");
    assertThatThrownBy(() -> Format.of("zip"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("webdataset");
    assertThat(Format.of("csv")).isEqualTo(Format.CSV);
  }

  @Test
  void aPreparedDatasetIsTheShardsOfItsManifest() throws IOException {
    byte[] shard = new Tars().add("k.png", "P").add("k.txt", "t").add("k.json", "{}").bytes();
    write("set/shards/00000.tar", shard);
    write("set/shards/99999.tar", shard);
    write("set/index/part.parquet", "x");
    String json =
        """
        {"schema_version":1,"settings":{},"input":{"sources":[],"fingerprint":"f","rows":1},
        "status":{},"reasons":{},"splits":{},
        "index":{"path":"index/part.parquet","rows":1,"bytes":1,"sha256":"%s"},
        "shards":[{"path":"shards/00000.tar","split":"train","samples":1,"bytes":%d,"sha256":"%s"}]}
        """;
    write("set/dataset.json", json.formatted("0".repeat(64), shard.length, "0".repeat(64)));
    assertThat(Listed.all(Format.AUTO, folder.resolve("set")))
        .extracting(Listed::stem)
        .containsExactly("shards/00000.tar/k");
    write("set/dataset.json", json.formatted("0".repeat(64), 7, "0".repeat(64)));
    assertThatThrownBy(() -> Listed.all(Format.AUTO, folder.resolve("set")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("shards/00000.tar");
  }
}

package org.talespark.data.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;

class DatasetTest {

  private static final Configuration HADOOP = new Configuration();

  @TempDir Path folder;

  private static byte[] tar(String... namesAndTexts) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      for (int i = 0; i < namesAndTexts.length; i += 2) {
        byte[] text = namesAndTexts[i + 1].getBytes(StandardCharsets.UTF_8);
        TarArchiveEntry entry = new TarArchiveEntry(namesAndTexts[i]);
        entry.setSize(text.length);
        tar.putArchiveEntry(entry);
        tar.write(text);
        tar.closeArchiveEntry();
      }
    }
    return bytes.toByteArray();
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private static DatasetManifest manifest(byte[] shard, long samples) throws Exception {
    String hash = sha256(shard);
    return new DatasetManifest(
        DatasetManifest.SCHEMA_VERSION,
        JsonNodeFactory.instance.objectNode().put("size", 64),
        new DatasetManifest.Input(List.of("/corpus"), hash, samples),
        Map.of("accepted", samples, "rejected", 0L),
        Map.of(),
        Map.of("train", samples),
        new DatasetManifest.Index(
            samples,
            List.of(new DatasetManifest.IndexFile("index/00000.parquet", samples, 0, hash))),
        List.of(
            new DatasetManifest.ShardEntry(
                "shards/00000.tar", "train", samples, shard.length, hash)));
  }

  private Shard shard(byte[] bytes, long samples) throws Exception {
    Files.createDirectories(folder.resolve("shards"));
    Files.write(folder.resolve("shards/00000.tar"), bytes);
    Files.write(folder.resolve("dataset.json"), manifest(bytes, samples).toJson());
    return Dataset.open(folder.toUri(), HADOOP).shards(Split.TRAIN).get(0);
  }

  private void assertDamaged(byte[] bytes, long samples, String message) throws Exception {
    Shard shard = shard(bytes, samples);
    assertThatThrownBy(
            () -> {
              try (ShardReader reader = shard.open(HADOOP)) {
                while (reader.hasNext()) {
                  reader.next();
                }
              }
            })
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(message);
  }

  @Test
  void samplesComeInOrderAndTheReaderEnds() throws Exception {
    byte[] bytes =
        tar(
            "a.png",
            "A",
            "a.txt",
            "first",
            "a.json",
            "{\"n\":1}",
            "b.jpg",
            "B",
            "b.txt",
            "",
            "b.json",
            "{}");
    Shard shard = shard(bytes, 2);
    shard.verify(HADOOP);
    try (ShardReader reader = shard.open(HADOOP)) {
      Sample a = reader.next();
      assertThat(a.key()).isEqualTo("a");
      assertThat(a.image()).containsExactly('A');
      assertThat(a.caption()).isEqualTo("first");
      assertThat(a.metadata().get("n").intValue()).isEqualTo(1);
      assertThat(reader.hasNext()).isTrue();
      assertThat(reader.next().key()).isEqualTo("b");
      assertThat(reader.hasNext()).isFalse();
      assertThatThrownBy(reader::next).isInstanceOf(NoSuchElementException.class);
    }
    assertThat(Dataset.open(folder.toString(), HADOOP).shards(Split.TEST)).isEmpty();
  }

  @Test
  void aShardCanBeSentToAnExecutor() throws Exception {
    Shard shard = shard(tar("a.png", "A", "a.txt", "x", "a.json", "{}"), 1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(shard);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(shard);
    }
  }

  @Test
  void missingAndUncommittedDatasetsAreRefusedWithARemedy() throws Exception {
    assertThatThrownBy(() -> Dataset.open(folder.resolve("nowhere").toString(), HADOOP))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("nowhere")
        .hasMessageContaining("prepare");
    Files.createDirectories(folder.resolve("shards"));
    assertThatThrownBy(() -> Dataset.open(folder.toString(), HADOOP))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no dataset.json");
  }

  @Test
  void unknownVersionsAndDamagedManifestsAreRefused() throws Exception {
    byte[] sound = manifest(new byte[0], 1).toJson();
    String text = new String(sound, StandardCharsets.UTF_8);
    assertThat(DatasetManifest.fromJson(sound, "here").toJson()).isEqualTo(sound);
    for (String bad :
        List.of(
            "",
            "[]",
            "{",
            text.substring(0, text.length() / 2),
            text.replace("\"schema_version\" : 2", "\"schema_version\" : 3"),
            text.replace("\"schema_version\" : 2", "\"schema_version\" : 1"),
            text.replace("\"schema_version\" : 2", "\"schema_version\" : \"2\""),
            text.replace("shards/00000.tar", "index/00000.parquet"),
            text.replaceFirst("(\"files\" : [^\\]]*\"rows\" : )1", "$12"),
            text.replace("shards/00000.tar", "../00000.tar"),
            text.replace("shards/00000.tar", "/etc/passwd"),
            text.replace("\"train\",", "\"training\","),
            text.replace("\"reasons\"", "\"raisons\""),
            text.replaceFirst("\"sha256\" : \"..", "\"sha256\" : \"zz"))) {
      assertThat(bad).isNotEqualTo(text);
      assertThatThrownBy(
              () -> DatasetManifest.fromJson(bad.getBytes(StandardCharsets.UTF_8), "here"))
          .as(bad)
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("here");
    }
  }

  @Test
  void manifestsOfTheFirstVersionAreStillRead() throws Exception {
    DatasetManifest now = manifest(new byte[0], 3);
    DatasetManifest.IndexFile file = now.index().files().get(0);
    ObjectMapper json = new ObjectMapper();
    ObjectNode old = (ObjectNode) json.readTree(now.toJson());
    old.put("schema_version", 1);
    old.putObject("index")
        .put("path", file.path())
        .put("rows", file.rows())
        .put("bytes", file.bytes())
        .put("sha256", file.sha256());
    assertThat(DatasetManifest.fromJson(json.writeValueAsBytes(old), "here")).isEqualTo(now);
    assertThat(now.paths()).containsExactly("index/00000.parquet", "shards/00000.tar");
  }

  @Property(tries = 500)
  void anyBytesAreAManifestOrRefused(@ForAll byte[] noise, @ForAll int at) throws Exception {
    byte[] json = manifest(new byte[0], 1).toJson();
    for (int i = 0; i < Math.min(noise.length, 8); i++) {
      json[Math.floorMod(at + i * 37, json.length)] = noise[i];
    }
    try {
      assertThat(DatasetManifest.fromJson(json, "here").schemaVersion()).isBetween(1, 2);
    } catch (BadInputException e) {
      assertThat(e).hasMessageContaining("here");
    }
  }

  @Test
  void aChangedOrMissingShardIsNotTrusted() throws Exception {
    byte[] bytes = tar("a.png", "A", "a.txt", "x", "a.json", "{}");
    Shard shard = shard(bytes, 1);
    Path file = folder.resolve("shards/00000.tar");
    byte[] changed = bytes.clone();
    changed[512] = 'B';
    Files.write(file, changed);
    assertThatThrownBy(() -> shard.verify(HADOOP))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("sha256");
    Files.delete(file);
    assertThatThrownBy(() -> shard.verify(HADOOP)).isInstanceOf(BadInputException.class);
    assertThatThrownBy(() -> shard.open(HADOOP)).isInstanceOf(BadInputException.class);
  }

  @Test
  void damagedShardsAreRefused() throws Exception {
    byte[] sound = tar("a.png", "A", "a.txt", "x", "a.json", "{}");
    assertDamaged(sound, 2, "samples=1, expected 2");
    assertDamaged(tar("a.png", "A", "a.txt", "x"), 1, "lacks");
    assertDamaged(tar("a.png", "A", "a.txt", "x", "a.json", "[1]"), 1, "lacks");
    assertDamaged(tar("a.png", "A", "a.txt", "x", "a.json", "{"), 1, "damaged");
    assertDamaged(tar("a.png", "A", "a.jpg", "A"), 1, "twice");
    assertDamaged(tar("a.png", "A", "a.exe", "A"), 1, "a.exe");
    assertDamaged(tar("../a.png", "A"), 1, "KEY.EXTENSION");
    assertDamaged(tar("noextension", "A"), 1, "KEY.EXTENSION");
    assertDamaged(Arrays.copyOf(sound, 700), 1, "damaged");
    assertDamaged(huge(), 1, "expected at most");
  }

  /** A member that claims 4 GB. */
  private static byte[] huge() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TarArchiveEntry entry = new TarArchiveEntry("a.png");
    entry.setSize(4L << 30);
    byte[] header = new byte[512];
    entry.writeEntryHeader(header);
    bytes.write(header);
    bytes.write(new byte[1024]);
    return bytes.toByteArray();
  }

  @Property(tries = 200)
  void noiseInAShardIsReadOrRefused(@ForAll byte[] noise, @ForAll int at) throws Exception {
    byte[] bytes = tar("a.png", "A", "a.txt", "x", "a.json", "{}");
    for (int i = 0; i < Math.min(noise.length, 20); i++) {
      bytes[Math.floorMod(at + i, 2048)] = noise[i];
    }
    Path file = Files.createTempFile("shard", ".tar");
    try {
      Files.write(file, bytes);
      Shard shard = new Shard(file.toUri().toString(), Split.TRAIN, 1, bytes.length, sha256(bytes));
      try (ShardReader reader = shard.open(HADOOP)) {
        reader.forEachRemaining(s -> assertThat(s.key()).isNotEmpty());
      } catch (BadInputException e) {
        assertThat(e).hasMessageContaining("shard");
      }
    } finally {
      Files.delete(file);
    }
  }
}

package org.talespark.data.dataset;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.talespark.data.BadInputException;
import org.talespark.data.Reason;

/**
 * {@code dataset.json}: what a dataset holds. It is written last, so its presence is the commit; a
 * reader trusts nothing that it does not list.
 *
 * @param schemaVersion {@link #SCHEMA_VERSION}
 * @param settings the settings of the run that wrote it, as JSON
 * @param input where the rows came from
 * @param status rows by status: {@code accepted}, {@code rejected}
 * @param reasons rejected rows by reason, of the closed list
 * @param splits accepted rows by split
 * @param index the Parquet files with one row for every input
 * @param shards the tar files, in order
 */
public record DatasetManifest(
    @JsonProperty(required = true) int schemaVersion,
    @JsonProperty(required = true) JsonNode settings,
    @JsonProperty(required = true) Input input,
    @JsonProperty(required = true) Map<String, Long> status,
    @JsonProperty(required = true) Map<String, Long> reasons,
    @JsonProperty(required = true) Map<String, Long> splits,
    @JsonProperty(required = true) Index index,
    @JsonProperty(required = true) List<ShardEntry> shards) {

  /** The version that this code writes. Version 1, with an index of one file, is read too. */
  public static final int SCHEMA_VERSION = 2;

  private static final int SINGLE_INDEX_VERSION = 1;

  /** The manifest's name in the dataset's directory. */
  public static final String FILE = "dataset.json";

  private static final Pattern RELATIVE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .build();

  /**
   * The corpus.
   *
   * @param sources the folders as given
   * @param fingerprint SHA-256 over every input's name, length and time of change
   * @param rows how many inputs there were
   */
  public record Input(
      @JsonProperty(required = true) List<String> sources,
      @JsonProperty(required = true) String fingerprint,
      @JsonProperty(required = true) long rows) {
    public Input {
      sources = List.copyOf(requireNonNull(sources, "sources"));
      requireNonNull(fingerprint, "fingerprint");
    }
  }

  /**
   * The index.
   *
   * @param rows of all files together
   * @param files in the order of their rows
   */
  public record Index(
      @JsonProperty(required = true) long rows,
      @JsonProperty(required = true) List<IndexFile> files) {
    public Index {
      files = List.copyOf(requireNonNull(files, "files"));
      long sum = files.stream().mapToLong(IndexFile::rows).sum();
      if (files.isEmpty() || sum != rows) {
        throw new IllegalArgumentException(
            "Cannot list index: files=%d rows=%d, expected the %d rows of at least one file"
                .formatted(files.size(), rows, sum));
      }
    }

    /** Bytes of all files together. */
    public long bytes() {
      return files.stream().mapToLong(IndexFile::bytes).sum();
    }
  }

  /** One file of the index; {@code path} is relative to the dataset. */
  public record IndexFile(
      @JsonProperty(required = true) String path,
      @JsonProperty(required = true) long rows,
      @JsonProperty(required = true) long bytes,
      @JsonProperty(required = true) String sha256) {
    public IndexFile {
      checkPath(path);
      checkFile(path, bytes, sha256);
    }
  }

  /** One shard; all its samples are of one split. {@code path} is relative to the dataset. */
  public record ShardEntry(
      @JsonProperty(required = true) String path,
      @JsonProperty(required = true) String split,
      @JsonProperty(required = true) long samples,
      @JsonProperty(required = true) long bytes,
      @JsonProperty(required = true) String sha256) {
    public ShardEntry {
      checkPath(path);
      checkFile(path, bytes, sha256);
      requireNonNull(split, "split");
      Split.of(split);
      if (samples < 1) {
        throw new IllegalArgumentException(
            "Cannot list shard: path=%s samples=%d, expected >= 1".formatted(path, samples));
      }
    }
  }

  public DatasetManifest {
    requireNonNull(settings, "settings");
    requireNonNull(input, "input");
    requireNonNull(index, "index");
    status = sorted(status);
    reasons = sorted(reasons);
    splits = sorted(splits);
    shards = List.copyOf(requireNonNull(shards, "shards"));
    reasons.keySet().forEach(Reason::of);
    splits.keySet().forEach(Split::of);
    Set<String> paths = new HashSet<>();
    for (String path : paths(index, shards)) {
      if (!paths.add(path)) {
        throw new IllegalArgumentException(
            "Cannot list file: path=%s twice, expected once".formatted(path));
      }
    }
  }

  private static List<String> paths(Index index, List<ShardEntry> shards) {
    return Stream.concat(
            index.files().stream().map(IndexFile::path), shards.stream().map(ShardEntry::path))
        .toList();
  }

  /** All files of the dataset but the manifest, relative to it: the index, then the shards. */
  public List<String> paths() {
    return paths(index, shards);
  }

  private static Map<String, Long> sorted(Map<String, Long> counts) {
    return Collections.unmodifiableMap(new TreeMap<>(requireNonNull(counts, "counts")));
  }

  /** Rows accepted into shards. */
  public long accepted() {
    return status.getOrDefault("accepted", 0L);
  }

  /** The manifest as UTF-8 JSON; the same manifest always gives the same bytes. */
  public byte[] toJson() {
    try {
      return (JSON.writeValueAsString(this) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write manifest", e);
    }
  }

  /**
   * Reads a manifest.
   *
   * @param where named in errors
   * @throws BadInputException when it is damaged or of another schema version
   */
  public static DatasetManifest fromJson(byte[] json, String where) {
    try {
      JsonNode tree = JSON.readTree(json);
      JsonNode version = tree == null ? null : tree.get("schema_version");
      int number = version != null && version.isInt() ? version.intValue() : 0;
      if (number != SCHEMA_VERSION && number != SINGLE_INDEX_VERSION) {
        throw new BadInputException(
            "Cannot open dataset: manifest=%s schema_version=%s, expected %d; try preparing it again with this release"
                .formatted(where, version, SCHEMA_VERSION));
      }
      if (number == SINGLE_INDEX_VERSION) {
        upgrade((ObjectNode) tree);
      }
      return JSON.treeToValue(tree, DatasetManifest.class);
    } catch (IOException e) {
      throw new BadInputException(
          "Cannot open dataset: manifest=%s is damaged (%s); try preparing it again"
              .formatted(where, e.getMessage().lines().findFirst().orElse("")),
          e);
    }
  }

  /** Version 1 had the fields of the only index file in {@code index} itself. */
  private static void upgrade(ObjectNode tree) {
    JsonNode file = tree.path("index");
    ObjectNode index = JSON.createObjectNode();
    index.set("rows", file.get("rows"));
    index.putArray("files").add(file);
    tree.put("schema_version", SCHEMA_VERSION).set("index", index);
  }

  /** Relative, plain, never above the dataset. */
  private static void checkPath(String path) {
    requireNonNull(path, "path");
    String[] parts = path.split("/", -1);
    for (String part : parts) {
      if (!RELATIVE.matcher(part).matches()) {
        throw new IllegalArgumentException(
            "Cannot list file: path=%s, expected a plain relative path".formatted(path));
      }
    }
  }

  private static void checkFile(String path, long bytes, String sha256) {
    requireNonNull(sha256, "sha256");
    if (bytes < 0 || !SHA256.matcher(sha256).matches()) {
      throw new IllegalArgumentException(
          "Cannot list file: path=%s bytes=%d sha256=%s, expected a length and a SHA-256"
              .formatted(path, bytes, sha256));
    }
  }
}

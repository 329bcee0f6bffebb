package org.talespark.data.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The working directory of one run, {@code _staging-prepare-ID} inside the dataset's directory. Its
 * marker says which process owns it and which files of the dataset the run is about to make or to
 * replace, so that a later run can tell the leftovers of a killed one from anybody else's files.
 */
final class Staging {

  private static final Logger LOG = LoggerFactory.getLogger(Staging.class);
  private static final String PREFIX = "_staging-prepare-";
  private static final String MARKER = "owner.json";

  /** There while tasks of the run may still publish files. */
  private static final String OPEN = "open";

  private static final Duration ABANDONED = Duration.ofDays(7);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<String> RUNNING = ConcurrentHashMap.newKeySet();

  /** Files of a dataset that are numbered and have no other name. */
  private static final Pattern NUMBERED = Pattern.compile("([0-9]{5,9})\\.(?:tar|parquet)");

  private final FileSystem fs;
  private final Path out;
  private final String id;
  private final Path folder;

  private Staging(FileSystem fs, Path out, String id) {
    this.fs = fs;
    this.out = out;
    this.id = id;
    this.folder = new Path(out, PREFIX + id);
  }

  /**
   * What a run does to the entries of the dataset's directory.
   *
   * @param makes files and folders that are new
   * @param replaces files and folders of the old dataset that go after the commit
   * @param adds numbered files that are new in folders of the old dataset: the first number by
   *     folder
   */
  record Changes(List<String> makes, Set<String> replaces, Map<String, Integer> adds) {
    Changes {
      makes = List.copyOf(makes);
      replaces = Set.copyOf(replaces);
      adds = Map.copyOf(adds);
    }
  }

  /** Opens a directory for a run that will make these changes in {@code out}. */
  static Staging open(FileSystem fs, Path out, Changes changes) throws IOException {
    String id = UUID.randomUUID().toString();
    Staging staging = new Staging(fs, out, id);
    ObjectNode marker = JSON.createObjectNode();
    marker.put("run", id);
    marker.put("host", host());
    marker.put("pid", ProcessHandle.current().pid());
    marker.put("started", started(ProcessHandle.current()));
    changes.makes().forEach(marker.putArray("makes")::add);
    changes.replaces().forEach(marker.putArray("replaces")::add);
    changes.adds().forEach(marker.putObject("adds")::put);
    RUNNING.add(id);
    try (FSDataOutputStream file = fs.create(new Path(staging.folder, MARKER), false)) {
      file.write(JSON.writeValueAsBytes(marker));
    }
    fs.create(new Path(staging.folder, OPEN), false).close();
    return staging;
  }

  /** Whether the run of this working directory is still under way. */
  static boolean isOpen(FileSystem fs, Path folder) throws IOException {
    return fs.exists(new Path(folder, OPEN));
  }

  Path folder() {
    return folder;
  }

  /**
   * Removes the working directory and all files that this run made or replaced and the committed
   * dataset does not list.
   *
   * @param kept the committed dataset's files, relative to its directory
   */
  void close(Set<String> kept) throws IOException {
    try {
      remove(fs, out, folder, marker(fs, folder), kept);
    } finally {
      RUNNING.remove(id);
    }
  }

  /**
   * Removes what killed runs left behind.
   *
   * @param kept the committed dataset's files, relative to {@code out}
   * @throws IllegalStateException when another run is at work
   */
  static void cleanUp(FileSystem fs, Path out, Set<String> kept) throws IOException {
    for (FileStatus entry : fs.listStatus(out)) {
      if (!entry.isDirectory() || !entry.getPath().getName().startsWith(PREFIX)) {
        continue;
      }
      JsonNode marker = marker(fs, entry.getPath());
      if (marker == null) {
        continue; // not provably ours
      }
      if (alive(marker, entry)) {
        throw new IllegalStateException(
            "Cannot prepare: out=%s is being written by process %s on %s; try again when it has ended"
                .formatted(out, marker.path("pid").asText(), marker.path("host").asText()));
      }
      remove(fs, out, entry.getPath(), marker, kept);
      LOG.info("Removed what an interrupted run left: folder={}", entry.getPath());
    }
  }

  /** The marker goes last: a clean-up that is killed itself is repeated. */
  private static void remove(
      FileSystem fs, Path out, Path folder, JsonNode marker, Set<String> kept) throws IOException {
    fs.delete(new Path(folder, OPEN), false);
    Set<String> entries = new HashSet<>();
    kept.forEach(path -> entries.add(path.split("/", 2)[0]));
    for (String list : List.of("makes", "replaces")) {
      for (JsonNode name : marker.path(list)) {
        if (!entries.contains(name.asText()) && !name.asText().contains("/")) {
          fs.delete(new Path(out, name.asText()), true);
        }
      }
    }
    for (Map.Entry<String, JsonNode> added : marker.path("adds").properties()) {
      removeNumbered(fs, new Path(out, added.getKey()), added.getValue().intValue(), kept);
    }
    for (FileStatus entry : fs.listStatus(folder)) {
      if (!entry.getPath().getName().equals(MARKER)) {
        fs.delete(entry.getPath(), true);
      }
    }
    fs.delete(folder, true);
  }

  private static void removeNumbered(FileSystem fs, Path folder, int from, Set<String> kept)
      throws IOException {
    if (!fs.exists(folder)) {
      return;
    }
    for (FileStatus file : fs.listStatus(folder)) {
      String name = file.getPath().getName();
      Matcher numbered = NUMBERED.matcher(name);
      if (numbered.matches()
          && Integer.parseInt(numbered.group(1)) >= from
          && !kept.contains(folder.getName() + "/" + name)) {
        fs.delete(file.getPath(), false);
      }
    }
  }

  private static JsonNode marker(FileSystem fs, Path folder) throws IOException {
    try (FSDataInputStream in = fs.open(new Path(folder, MARKER))) {
      JsonNode marker = JSON.readTree(in.readNBytes(1 << 16));
      boolean ours = folder.getName().equals(PREFIX + marker.path("run").asText());
      return ours ? marker : null;
    } catch (FileNotFoundException | JsonProcessingException e) {
      return null;
    }
  }

  private static boolean alive(JsonNode marker, FileStatus folder) {
    if (!marker.path("host").asText().equals(host())) {
      Instant touched = Instant.ofEpochMilli(folder.getModificationTime());
      return touched.isAfter(Instant.now().minus(ABANDONED));
    }
    long pid = marker.path("pid").asLong();
    if (pid == ProcessHandle.current().pid()
        && marker.path("started").asLong() == started(ProcessHandle.current())) {
      return RUNNING.contains(marker.path("run").asText());
    }
    return ProcessHandle.of(pid)
        .filter(p -> started(p) == marker.path("started").asLong())
        .isPresent();
  }

  private static long started(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }
}

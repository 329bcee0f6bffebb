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
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The working directory of one run, {@code _staging-prepare-ID} inside the dataset's directory. Its
 * marker says which process owns it and which files of the dataset the run is about to make, so
 * that a later run can tell the leftovers of a killed one from anybody else's files.
 */
final class Staging implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Staging.class);
  private static final String PREFIX = "_staging-prepare-";
  private static final String MARKER = "owner.json";
  private static final Duration ABANDONED = Duration.ofDays(7);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<String> RUNNING = ConcurrentHashMap.newKeySet();

  private final FileSystem fs;
  private final String id;
  private final Path folder;

  private Staging(FileSystem fs, String id, Path folder) {
    this.fs = fs;
    this.id = id;
    this.folder = folder;
  }

  /** Opens a directory for a run that will make the named files and folders in {@code out}. */
  static Staging open(FileSystem fs, Path out, List<String> makes) throws IOException {
    String id = UUID.randomUUID().toString();
    Path folder = new Path(out, PREFIX + id);
    ObjectNode marker = JSON.createObjectNode();
    marker.put("run", id);
    marker.put("host", host());
    marker.put("pid", ProcessHandle.current().pid());
    marker.put("started", started(ProcessHandle.current()));
    makes.forEach(marker.putArray("makes")::add);
    RUNNING.add(id);
    try (FSDataOutputStream file = fs.create(new Path(folder, MARKER), false)) {
      file.write(JSON.writeValueAsBytes(marker));
    }
    return new Staging(fs, id, folder);
  }

  /** Whether the run of this working directory is still under way. */
  static boolean open(FileSystem fs, Path folder) throws IOException {
    return fs.exists(new Path(folder, MARKER));
  }

  Path folder() {
    return folder;
  }

  /** Removes the working directory; the dataset's files stay. */
  @Override
  public void close() throws IOException {
    RUNNING.remove(id);
    fs.delete(folder, true);
  }

  /**
   * Removes what killed runs left behind.
   *
   * @param keep names in {@code out} that the committed dataset uses
   * @throws IllegalStateException when another run is at work
   */
  static void cleanUp(FileSystem fs, Path out, Set<String> keep) throws IOException {
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
      for (JsonNode name : marker.path("makes")) {
        if (!keep.contains(name.asText()) && !name.asText().contains("/")) {
          fs.delete(new Path(out, name.asText()), true);
        }
      }
      fs.delete(entry.getPath(), true);
      LOG.info("Removed what an interrupted run left: folder={}", entry.getPath());
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

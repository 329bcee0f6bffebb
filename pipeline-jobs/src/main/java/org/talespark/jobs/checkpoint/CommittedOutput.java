package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A command's output directory, committed as a whole: the files come first, {@code result.json}
 * last. Readers trust only a directory that has one. The file {@code _talespark.json} says from the
 * beginning which command writes here and which entries are its own, so that another run of the
 * same command may replace them and nothing else is ever deleted.
 */
public final class CommittedOutput {
  /** What to do with an earlier output of the same command. */
  public enum Existing {
    /** Delete its entries. */
    REPLACE,
    /** Keep its entries and write on. */
    CONTINUE
  }

  /** The file whose presence commits the directory. */
  public static final String RESULT = "result.json";

  static final String OWNER = "_talespark.json";

  record Owner(
      @JsonProperty("command") String command, @JsonProperty("entries") List<String> entries) {}

  private final Storage storage;
  private final RunFiles files;
  private final Path directory;
  private final List<String> entries;

  private CommittedOutput(Storage storage, Path directory, List<String> entries) {
    this.storage = storage;
    this.files = new RunFiles(storage, directory, Set.of(OWNER));
    this.directory = directory;
    this.entries = entries;
  }

  /**
   * Prepares a directory for writing. It is not committed any more when this returns. Its paths are
   * whole URIs, for tasks in other working directories.
   *
   * @param directory new, empty, or an earlier output of the same command
   * @param command for example {@code infer caption}
   * @param entries the names of all files and directories directly in it that the command may write
   * @throws IllegalArgumentException when the directory holds anything else
   */
  public static CommittedOutput open(
      FileSystem fs, Path directory, String command, List<String> entries, Existing existing)
      throws IOException {
    return open(new Storage(fs), fs.makeQualified(directory), command, entries, existing);
  }

  static CommittedOutput open(
      Storage storage, Path directory, String command, List<String> entries, Existing existing)
      throws IOException {
    for (String entry : entries) {
      boolean plain =
          !entry.isEmpty()
              && !entry.contains("/")
              && !entry.startsWith(".")
              && !entry.startsWith("_");
      if (!plain || entry.equals(RESULT)) {
        throw new IllegalArgumentException(
            "Cannot write output: entry=%s, expected a plain name".formatted(entry));
      }
    }
    CommittedOutput output = new CommittedOutput(storage, directory, List.copyOf(entries));
    output.claim(command, existing);
    return output;
  }

  /**
   * Commits what a command has written into {@code directory}.
   *
   * @param entries as when it was opened
   * @param resultJson the result as {@code --json} prints it
   */
  public static void commit(
      Configuration hadoop,
      String directory,
      String command,
      List<String> entries,
      String resultJson)
      throws IOException {
    Path path = new Path(directory);
    open(path.getFileSystem(hadoop), path, command, entries, Existing.CONTINUE).commit(resultJson);
  }

  /**
   * Refuses a directory that {@link #open} would refuse, and changes nothing: for commands that
   * work long before they write.
   */
  public static void check(FileSystem fs, Path directory, String command) throws IOException {
    new CommittedOutput(new Storage(fs), directory, List.of()).ownerToReplace(command);
  }

  private Optional<Owner> ownerToReplace(String command) throws IOException {
    Optional<Owner> owner = owner();
    if (owner.isEmpty() && !isEmpty()) {
      throw refused(command, "files that are not ours");
    }
    if (owner.isPresent() && !owner.get().command().equals(command)) {
      throw refused(command, "the output of '" + owner.get().command() + "'");
    }
    return owner;
  }

  private void claim(String command, Existing existing) throws IOException {
    Optional<Owner> owner = ownerToReplace(command);
    storage.delete(new Path(directory, RESULT), false);
    if (owner.isPresent() && existing == Existing.REPLACE) {
      for (String entry : owner.get().entries()) {
        if (!entry.isEmpty() && !entry.contains("/") && !entry.startsWith(".")) {
          storage.delete(new Path(directory, entry), true);
        }
      }
    }
    storage.mkdirs(directory);
    Owner now = new Owner(command, List.copyOf(new TreeSet<>(entries)));
    files.write(OWNER, Storage.JSON.writeValueAsBytes(now));
  }

  private IllegalArgumentException refused(String command, String found) {
    return new IllegalArgumentException(
        "Cannot write output: out=%s holds %s, expected a new or empty directory or an earlier output of '%s'; try another --out"
            .formatted(directory, found, command));
  }

  private Optional<Owner> owner() throws IOException {
    Optional<byte[]> json = files.read(OWNER);
    return json.isEmpty()
        ? Optional.empty()
        : Optional.of(Storage.JSON.readValue(json.get(), Owner.class));
  }

  /** Whether it holds nothing but what an interrupted claim of ours left. */
  private boolean isEmpty() throws IOException {
    return storage.list(directory).stream()
        .allMatch(status -> status.getPath().getName().startsWith(OWNER));
  }

  /** Where a file of the output goes: one of the entries, or a path below one. */
  public Path path(String name) {
    String first = name.split("/", 2)[0];
    boolean inside = entries.contains(first) && !List.of(name.split("/", -1)).contains("..");
    if (!inside) {
      throw new IllegalArgumentException(
          "Cannot write output: file=%s, expected it to be or to be in one of %s"
              .formatted(name, entries));
    }
    return new Path(directory, name);
  }

  /** Opens a file of the output for writing. */
  public OutputStream create(String name) throws IOException {
    return storage.create(path(name));
  }

  /**
   * Commits the directory; nothing may be written after it. When it fails the directory is not
   * committed.
   *
   * @param resultJson the result as one JSON object
   */
  public void commit(String resultJson) throws IOException {
    if (!Storage.JSON.readTree(resultJson).isObject()) {
      throw new IllegalArgumentException(
          "Cannot commit output: result=%s, expected a JSON object".formatted(resultJson));
    }
    Path result = new Path(directory, RESULT);
    try {
      storage.write(result, (resultJson + "\n").getBytes(UTF_8));
    } catch (IOException e) {
      try {
        storage.delete(result, false);
      } catch (IOException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
  }

  /**
   * The result of a committed directory as JSON; empty when the directory is not there or not
   * committed.
   */
  public static Optional<String> result(FileSystem fs, Path directory) throws IOException {
    return result(new Storage(fs), directory);
  }

  static Optional<String> result(Storage storage, Path directory) throws IOException {
    return storage
        .read(new Path(directory, RESULT))
        .map(bytes -> new String(bytes, UTF_8))
        .filter(text -> text.endsWith("\n")) // an interrupted commit has no end
        .map(String::strip);
  }
}

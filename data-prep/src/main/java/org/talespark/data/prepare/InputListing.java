package org.talespark.data.prepare;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.Reason;
import org.talespark.data.prepare.Candidate.Found;

/**
 * Finds the inputs: pictures of folders, each with the {@code .txt} and {@code .json} of the same
 * name. Captions without a picture are inputs too (rejected ones); anything else is not. Names that
 * begin with a dot or an underscore are hidden, as everywhere in Hadoop. On local disks, links and
 * devices are rejected instead of followed.
 */
final class InputListing {

  private static final Set<String> PICTURES =
      Set.of("jpg", "jpeg", "jpe", "png", "webp", "bmp", "gif", "tif", "tiff");

  /** All inputs in the order of their keys, and a hash of names, lengths and times of change. */
  record Listing(List<Candidate> candidates, String fingerprint) {}

  private final Configuration hadoop;
  private final List<Candidate> candidates = new ArrayList<>();
  private final List<String> stems = new ArrayList<>();

  private InputListing(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /**
   * Lists folders.
   *
   * @throws BadInputException when one is missing or no folder
   */
  static Listing of(List<String> inputs, Configuration hadoop) {
    InputListing listing = new InputListing(hadoop);
    Set<String> names = new HashSet<>();
    for (int i = 0; i < inputs.size(); i++) {
      String prefix = "";
      if (inputs.size() > 1) {
        String name = new Path(inputs.get(i)).getName();
        prefix = (names.add(name) ? name : name + "-" + i) + "/";
      }
      try {
        listing.walk(new Path(inputs.get(i)), prefix);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot list input: input=" + inputs.get(i), e);
      }
    }
    List<Candidate> sorted = Keys.unique(listing.candidates, listing.stems);
    return new Listing(sorted, fingerprint(sorted));
  }

  private void walk(Path input, String prefix) throws IOException {
    FileSystem fs = input.getFileSystem(hadoop);
    Path root = fs.makeQualified(input);
    if (!fs.exists(root) || !fs.getFileStatus(root).isDirectory()) {
      throw new BadInputException(
          "Cannot prepare: input=%s, expected a folder of pictures; try the folder that holds them"
              .formatted(input));
    }
    boolean local = fs.getUri().getScheme().equals("file");
    Deque<Path> folders = new ArrayDeque<>(List.of(root));
    while (!folders.isEmpty()) {
      Path folder = folders.pop();
      String relative = prefix + relative(root, folder);
      Map<String, Map<String, FileStatus>> stemsHere = new TreeMap<>();
      for (FileStatus file : fs.listStatus(folder)) {
        String name = file.getPath().getName();
        if (name.startsWith(".") || name.startsWith("_")) {
          continue;
        }
        if (unsafe(file, local)) {
          refuse(relative, name, file);
        } else if (file.isDirectory()) {
          folders.push(file.getPath());
        } else {
          int dot = name.lastIndexOf('.');
          if (dot > 0) {
            stemsHere
                .computeIfAbsent(name.substring(0, dot), s -> new TreeMap<>())
                .put(name.substring(dot + 1), file);
          }
        }
      }
      stemsHere.forEach((stem, files) -> add(relative + stem, files));
    }
  }

  private static String relative(Path root, Path folder) {
    String relative = folder.toUri().getPath().substring(root.toUri().getPath().length());
    String plain = relative.startsWith("/") ? relative.substring(1) : relative;
    return plain.isEmpty() ? "" : plain + "/";
  }

  /** Links could lead out of the input, and devices could block for ever. */
  private static boolean unsafe(FileStatus file, boolean local) {
    if (file.isSymlink()) {
      return true;
    }
    if (!local) {
      return false;
    }
    java.nio.file.Path path = java.nio.file.Path.of(file.getPath().toUri().getPath());
    return Files.isSymbolicLink(path) || !(Files.isRegularFile(path) || Files.isDirectory(path));
  }

  private void refuse(String relative, String name, FileStatus file) {
    int dot = name.lastIndexOf('.');
    String extension = dot > 0 ? name.substring(dot + 1).toLowerCase(Locale.ROOT) : "";
    if (PICTURES.contains(extension) || file.isDirectory()) {
      String stem = relative + (dot > 0 ? name.substring(0, dot) : name);
      candidates.add(
          new Candidate(Keys.of(stem), source(file), found(file), null, null, Reason.UNSAFE_PATH));
      stems.add(stem);
    }
  }

  private void add(String stem, Map<String, FileStatus> files) {
    List<FileStatus> pictures = new ArrayList<>();
    Map<String, FileStatus> others = new HashMap<>();
    files.forEach(
        (extension, file) -> {
          String lower = extension.toLowerCase(Locale.ROOT);
          if (PICTURES.contains(lower)) {
            pictures.add(file);
          } else {
            others.putIfAbsent(lower, file);
          }
        });
    Found caption = others.containsKey("txt") ? found(others.get("txt")) : null;
    Found metadata = others.containsKey("json") ? found(others.get("json")) : null;
    for (FileStatus picture : pictures) {
      candidates.add(
          new Candidate(Keys.of(stem), source(picture), found(picture), caption, metadata, null));
      stems.add(stem);
    }
    if (pictures.isEmpty() && caption != null) {
      candidates.add(
          new Candidate(
              Keys.of(stem),
              source(others.get("txt")),
              null,
              caption,
              metadata,
              Reason.PICTURE_MISSING));
      stems.add(stem);
    }
  }

  private static Found found(FileStatus file) {
    return new Found(file.getPath().toString(), file.getLen(), file.getModificationTime());
  }

  /** Local files by their plain path, others by their URI. */
  private static String source(FileStatus file) {
    Path path = file.getPath();
    return "file".equals(path.toUri().getScheme()) ? path.toUri().getPath() : path.toString();
  }

  private static String fingerprint(List<Candidate> candidates) {
    MessageDigest digest = Keys.sha256();
    for (Candidate c : candidates) {
      update(digest, c.key(), c.source());
      for (Found file : new Found[] {c.picture(), c.caption(), c.metadata()}) {
        if (file == null) {
          update(digest, "-");
        } else {
          update(digest, file.uri(), Long.toString(file.bytes()), Long.toString(file.modified()));
        }
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void update(MessageDigest digest, String... fields) {
    for (String field : fields) {
      digest.update(field.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
    }
  }
}

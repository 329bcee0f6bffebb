package org.talespark.data.corpus;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;

/**
 * What one input names: a folder, a file, or what a glob matches.
 *
 * @param given as the user wrote it
 * @param prefix put before the names of its samples
 * @param named files that the user named, whatever their extensions
 * @param walked files found below folders
 */
record Input(String given, String prefix, List<FoundFile> named, List<FoundFile> walked) {

  /** What the samples of an input are called after when there are several inputs. */
  static String title(String input) {
    Path path = new Path(input);
    while (path.getName().matches(".*[*?\\[{].*") && path.getParent() != null) {
      path = path.getParent();
    }
    return path.getName().isEmpty() ? "input" : path.getName();
  }

  /**
   * Finds an input's files.
   *
   * @throws BadInputException when there is nothing of that name
   */
  static Input find(String given, String prefix, Configuration hadoop) throws IOException {
    Path path = new Path(given);
    FileSystem fs = path.getFileSystem(hadoop);
    Path root = fs.makeQualified(path);
    List<FileStatus> matches = new ArrayList<>();
    boolean literal = fs.exists(root);
    if (literal) {
      matches.add(fs.getFileStatus(root));
    } else {
      matches.addAll(glob(fs, root, given));
    }
    if (matches.isEmpty()) {
      throw new BadInputException(
          "Cannot read input: input=%s does not exist, expected a folder, a file or a glob; try an absolute path or URI"
              .formatted(given));
    }
    matches.sort(Comparator.comparing(status -> status.getPath().toString()));
    Path base = literal && matches.get(0).isDirectory() ? root : common(matches);
    List<FoundFile> named = new ArrayList<>();
    List<FoundFile> walked = new ArrayList<>();
    for (FileStatus match : matches) {
      String relative = relative(base, match.getPath());
      if (match.isDirectory()) {
        walked.addAll(
            Walk.files(fs, match.getPath(), prefix + (relative.isEmpty() ? "" : relative + "/")));
      } else {
        named.add(Walk.found(match, prefix + relative, false));
      }
    }
    Set<String> seen = new HashSet<>();
    named.removeIf(file -> !seen.add(file.uri()));
    walked.removeIf(file -> !seen.add(file.uri()));
    return new Input(given, prefix, named, walked);
  }

  private static List<FileStatus> glob(FileSystem fs, Path pattern, String given)
      throws IOException {
    try {
      FileStatus[] found = fs.globStatus(pattern);
      return found == null ? List.of() : List.of(found);
    } catch (IOException e) {
      if (e.getCause() instanceof RuntimeException) {
        throw new BadInputException(
            "Cannot read input: input=%s does not exist and is no glob, expected a folder, a file or a glob; try closing its brackets"
                .formatted(given),
            e);
      }
      throw e;
    }
  }

  /** The deepest folder that holds all matches. */
  private static Path common(List<FileStatus> matches) {
    Path base = matches.get(0).getPath().getParent();
    for (FileStatus match : matches) {
      while (base.getParent() != null
          && !(match.getPath().toString() + "/").startsWith(base.toString() + "/")) {
        base = base.getParent();
      }
    }
    return base == null ? matches.get(0).getPath() : base;
  }

  private static String relative(Path base, Path path) {
    String relative = path.toUri().getPath().substring(base.toUri().getPath().length());
    return relative.startsWith("/") ? relative.substring(1) : relative;
  }

  /** All files. */
  List<FoundFile> files() {
    List<FoundFile> files = new ArrayList<>(named);
    files.addAll(walked);
    return files;
  }

  /** The files of a kind; of those that the user named, all. */
  List<FoundFile> of(Kind kind) {
    List<FoundFile> files = new ArrayList<>(named);
    walked.stream().filter(file -> Kind.of(file) == kind).forEach(files::add);
    return files;
  }
}

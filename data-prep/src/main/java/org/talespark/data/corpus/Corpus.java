package org.talespark.data.corpus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;

/** Lists corpora. */
public final class Corpus {

  private Corpus() {}

  /**
   * Lists inputs. The names of several inputs get their folder's name as a prefix.
   *
   * @param inputs folders or files on any Hadoop file system
   * @param limits what the readers may hold in memory
   * @throws BadInputException when an input is missing or not of the format
   */
  public static Listing list(
      List<String> inputs, Format format, ReadLimits limits, Configuration hadoop) {
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("Cannot list inputs: inputs=[], expected at least one");
    }
    MessageDigest digest = sha256();
    List<Portion> portions = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < inputs.size(); i++) {
      String prefix = "";
      if (inputs.size() > 1) {
        String name = new Path(inputs.get(i)).getName();
        prefix = (names.add(name) ? name : name + "-" + i) + "/";
      }
      try {
        List<FoundFile> files = files(inputs.get(i), prefix, hadoop);
        files.forEach(file -> update(digest, file));
        portions.addAll(FolderListing.portions(files, limits));
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot list input: input=" + inputs.get(i), e);
      }
    }
    return new Listing(portions, HexFormat.of().formatHex(digest.digest()));
  }

  private static List<FoundFile> files(String input, String prefix, Configuration hadoop)
      throws IOException {
    Path path = new Path(input);
    FileSystem fs = path.getFileSystem(hadoop);
    Path root = fs.makeQualified(path);
    if (!fs.exists(root) || !fs.getFileStatus(root).isDirectory()) {
      throw new BadInputException(
          "Cannot prepare: input=%s, expected a folder of pictures; try the folder that holds them"
              .formatted(input));
    }
    return Walk.files(fs, root, prefix);
  }

  private static void update(MessageDigest digest, FoundFile file) {
    String line =
        "%s\0%s\0%d\0%d\0".formatted(file.relative(), file.uri(), file.bytes(), file.modified());
    digest.update(line.getBytes(StandardCharsets.UTF_8));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash: SHA-256 is missing from this Java", e);
    }
  }
}

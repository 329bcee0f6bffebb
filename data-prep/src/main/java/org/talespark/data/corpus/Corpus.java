package org.talespark.data.corpus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.BadInputException;
import org.talespark.data.Reason;
import org.talespark.data.Sha256;

/** Lists corpora. */
public final class Corpus {

  private final Format format;
  private final ReadLimits limits;
  private final Configuration hadoop;
  private final List<Portion> portions = new ArrayList<>();
  private final MessageDigest digest = Sha256.digest();

  private Corpus(Format format, ReadLimits limits, Configuration hadoop) {
    this.format = format;
    this.limits = limits;
    this.hadoop = hadoop;
  }

  /**
   * Lists inputs: folders, files and globs on any Hadoop file system. The names of several inputs
   * get their file's or folder's name as a prefix. Hidden files are no inputs; links and devices
   * are refused, unless an input names a link itself.
   *
   * <p>Of folders and tars nothing but names is read, of Parquet files the footers; manifests are
   * read through once to be cut into portions, a row in memory at a time.
   *
   * @param limits what the readers may hold in memory
   * @throws BadInputException when an input is missing, not of the format, or in another input
   */
  public static Listing list(
      List<String> inputs, Format format, ReadLimits limits, Configuration hadoop) {
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("Cannot list inputs: inputs=[], expected at least one");
    }
    Corpus corpus = new Corpus(format, limits, hadoop);
    Set<String> titles = new HashSet<>();
    Map<String, String> owners = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      String given = inputs.get(i);
      String prefix = inputs.size() > 1 ? title(given, i, titles) + "/" : "";
      try {
        Input input = Input.find(given, prefix, hadoop);
        if (inputs.size() > 1) {
          input.files().forEach(file -> claim(file, given, owners));
        }
        corpus.add(input);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot list input: input=" + given, e);
      }
    }
    return new Listing(corpus.portions, HexFormat.of().formatHex(corpus.digest.digest()));
  }

  private static String title(String input, int position, Set<String> titles) {
    String title = Input.title(input);
    String unique = title;
    for (int i = position; !titles.add(unique); i++) {
      unique = title + "-" + i;
    }
    return unique;
  }

  private static void claim(FoundFile file, String input, Map<String, String> owners) {
    String owner = owners.putIfAbsent(file.uri(), input);
    if (owner != null) {
      throw new BadInputException(
          "Cannot list inputs: input=%s holds %s, which input=%s holds too, expected separate inputs; try naming each file or folder once"
              .formatted(input, file.source(), owner));
    }
  }

  private void add(Input input) throws IOException {
    if (format == Format.AUTO || format == Format.WEBDATASET) {
      FoundFile manifest = PreparedDataset.manifest(input);
      if (manifest != null) {
        update(manifest);
        tars(PreparedDataset.shards(input, manifest, hadoop), input);
        return;
      }
    }
    Format of = format == Format.AUTO ? Recognition.of(input) : format;
    switch (of) {
      case AUTO -> throw new IllegalStateException("Cannot list input: its format is unknown");
      case FOLDER -> folder(input);
      case WEBDATASET -> tars(files(input, Kind.TAR, of), input);
      case PARQUET -> {
        for (FoundFile file : safe(files(input, Kind.PARQUET, of), input)) {
          portions.addAll(ParquetListing.portions(file, input.prefix(), limits, hadoop));
        }
      }
      case JSONL -> {
        for (FoundFile file : safe(files(input, Kind.JSONL, of), input)) {
          portions.addAll(ManifestListing.jsonl(file, input.prefix(), limits, hadoop));
        }
      }
      case CSV -> {
        for (FoundFile file : safe(files(input, Kind.CSV, of), input)) {
          portions.addAll(ManifestListing.csv(file, input.prefix(), limits, hadoop));
        }
      }
    }
  }

  private void folder(Input input) {
    if (!input.named().isEmpty()) {
      throw new BadInputException(
          "Cannot read input: input=%s is a file, expected a folder of pictures; try the folder that holds it"
              .formatted(input.named().get(0).source()));
    }
    input.walked().forEach(this::update);
    portions.addAll(FolderListing.portions(input.walked(), limits));
  }

  private void tars(List<FoundFile> tars, Input input) {
    for (FoundFile tar : safe(tars, input)) {
      portions.add(new TarPortion(tar, input.prefix(), limits));
    }
  }

  private static List<FoundFile> files(Input input, Kind kind, Format format) {
    List<FoundFile> files = input.of(kind);
    if (files.isEmpty()) {
      throw new BadInputException(
          "Cannot read input: input=%s format=%s holds no %s among %d files, expected some; try --format auto"
              .formatted(input.given(), format.id(), kind.title(), input.files().size()));
    }
    return files;
  }

  /** Refuses links and devices, also linked folders; the rest may be read. */
  private List<FoundFile> safe(List<FoundFile> files, Input input) {
    List<FoundFile> safe = new ArrayList<>();
    for (FoundFile file : files) {
      update(file);
      if (file.unsafe()) {
        portions.add(new RefusedPortion(file, Reason.UNSAFE_PATH));
      } else {
        safe.add(file);
      }
    }
    for (FoundFile file : input.walked()) {
      if (file.unsafe() && file.folder() && !files.contains(file)) {
        update(file);
        portions.add(new RefusedPortion(file, Reason.UNSAFE_PATH));
      }
    }
    return safe;
  }

  private void update(FoundFile file) {
    String line =
        "%s\0%s\0%d\0%d\0".formatted(file.relative(), file.uri(), file.bytes(), file.modified());
    digest.update(line.getBytes(StandardCharsets.UTF_8));
  }
}

package org.talespark.jobs.infer;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;

/** The pictures that one task of an inference job reads. */
sealed interface PictureSource extends Serializable {

  /** A picture file and the key that its results go under. */
  @SuppressWarnings("ArrayRecordComponent")
  record Picture(String key, byte[] file) {}

  /** Hands each picture on, one at a time. */
  void forEach(Configuration hadoop, PictureConsumer consumer) throws IOException;

  /** Takes pictures. */
  @FunctionalInterface
  interface PictureConsumer {
    void accept(Picture picture) throws IOException;
  }

  /** Every {@code of}-th sample of a shard, from {@code index}. */
  record ShardSlice(Shard shard, int index, int of) implements PictureSource {
    @Override
    public void forEach(Configuration hadoop, PictureConsumer consumer) throws IOException {
      try (ShardReader reader = shard.open(hadoop)) {
        for (int i = 0; reader.hasNext(); i++) {
          Sample sample = reader.next();
          if (i % of == index) {
            consumer.accept(new Picture(sample.key(), sample.image()));
          }
        }
      }
    }
  }

  /** Files with their keys. */
  record FileList(List<String> uris, List<String> keys) implements PictureSource {
    public FileList {
      uris = new ArrayList<>(uris);
      keys = new ArrayList<>(keys);
    }

    @Override
    public void forEach(Configuration hadoop, PictureConsumer consumer) throws IOException {
      Iterator<String> key = keys.iterator();
      for (String uri : uris) {
        Path path = new Path(uri);
        try (InputStream in = path.getFileSystem(hadoop).open(path)) {
          consumer.accept(new Picture(key.next(), in.readAllBytes()));
        }
      }
    }
  }

  /** Names that end like pictures. */
  Set<String> EXTENSIONS = Set.of("png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff");

  /**
   * Divides an input into at least one part: a prepared dataset's split, or a folder of pictures.
   *
   * @throws BadInputException when it holds no picture
   */
  static List<PictureSource> of(String input, Split split, int parts, Configuration hadoop) {
    try {
      Path root = new Path(input);
      FileSystem fs = root.getFileSystem(hadoop);
      List<PictureSource> sources =
          fs.exists(new Path(root, DatasetManifest.FILE))
              ? slices(Dataset.open(input, hadoop).shards(split), parts)
              : files(fs, root, parts);
      if (sources.isEmpty()) {
        throw new BadInputException(
            "Cannot read pictures: input=%s split=%s holds none, expected a folder of pictures or a prepared dataset"
                .formatted(input, split.id()));
      }
      return sources;
    } catch (IOException e) {
      throw new BadInputException(
          "Cannot read pictures: input=%s; %s".formatted(input, e.getMessage()), e);
    }
  }

  private static List<PictureSource> slices(List<Shard> shards, int parts) {
    List<PictureSource> slices = new ArrayList<>();
    int each = shards.isEmpty() ? 1 : Math.max(1, (parts + shards.size() - 1) / shards.size());
    for (Shard shard : shards) {
      for (int i = 0; i < each; i++) {
        slices.add(new ShardSlice(shard, i, each));
      }
    }
    return slices;
  }

  private static List<PictureSource> files(FileSystem fs, Path root, int parts) throws IOException {
    List<String> uris = new ArrayList<>();
    RemoteIterator<LocatedFileStatus> found = fs.listFiles(root, true);
    while (found.hasNext()) {
      FileStatus file = found.next();
      String name = file.getPath().getName();
      String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
      if (!name.startsWith(".") && EXTENSIONS.contains(extension)) {
        uris.add(file.getPath().toString());
      }
    }
    uris.sort(null);
    String prefix = fs.makeQualified(root).toString();
    List<PictureSource> lists = new ArrayList<>();
    int each = Math.max(1, (uris.size() + parts - 1) / parts);
    for (int from = 0; from < uris.size(); from += each) {
      List<String> part = uris.subList(from, Math.min(uris.size(), from + each));
      lists.add(new FileList(part, part.stream().map(uri -> key(uri, prefix)).toList()));
    }
    return lists;
  }

  /** The path below the input without extension, its slashes as dashes. */
  static String key(String uri, String prefix) {
    String below = uri.startsWith(prefix) ? uri.substring(prefix.length()) : uri;
    String stem = below.substring(0, below.lastIndexOf('.'));
    return stem.replaceAll("^/+", "").replaceAll("[^A-Za-z0-9_-]+", "-");
  }
}

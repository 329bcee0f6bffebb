package org.talespark.data.corpus;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.talespark.data.Reason;

/**
 * Pictures with the {@code .txt} and {@code .json} of the same name. Captions without a picture are
 * inputs too (rejected ones); anything else is not. Links and devices are rejected instead of
 * followed.
 */
final class FolderListing {

  private static final int MOST_PICTURES = 256;
  private static final long MOST_BYTES = 64L << 20;

  private FolderListing() {}

  static List<Portion> portions(List<FoundFile> files, ReadLimits limits) {
    List<Portion> portions = new ArrayList<>();
    List<FolderPortion.Entry> batch = new ArrayList<>();
    long bytes = 0;
    for (FolderPortion.Entry entry : entries(files)) {
      if (batch.size() == MOST_PICTURES || (bytes > 0 && bytes + entry.bytes() > MOST_BYTES)) {
        portions.add(new FolderPortion(batch, limits));
        batch = new ArrayList<>();
        bytes = 0;
      }
      batch.add(entry);
      bytes += entry.bytes();
    }
    if (!batch.isEmpty()) {
      portions.add(new FolderPortion(batch, limits));
    }
    return portions;
  }

  private static List<FolderPortion.Entry> entries(List<FoundFile> files) {
    List<FolderPortion.Entry> entries = new ArrayList<>();
    Map<String, List<FoundFile>> stems = new TreeMap<>();
    for (FoundFile file : files) {
      if (!file.unsafe()) {
        if (!file.extension().isEmpty()) {
          stems.computeIfAbsent(file.stem(), s -> new ArrayList<>()).add(file);
        }
      } else if (file.folder() || Kind.of(file) == Kind.PICTURE) {
        entries.add(
            new FolderPortion.Entry(
                file.stem(), file.source(), null, null, null, Reason.UNSAFE_PATH));
      }
    }
    stems.forEach((stem, group) -> add(entries, stem, group));
    return entries;
  }

  private static void add(List<FolderPortion.Entry> entries, String stem, List<FoundFile> files) {
    List<FoundFile> pictures = new ArrayList<>();
    Map<String, FoundFile> others = new HashMap<>();
    for (FoundFile file : files) {
      if (Kind.of(file) == Kind.PICTURE) {
        pictures.add(file);
      } else {
        others.putIfAbsent(file.extension(), file);
      }
    }
    FoundFile caption = others.get("txt");
    FoundFile metadata = others.get("json");
    for (FoundFile picture : pictures) {
      entries.add(
          new FolderPortion.Entry(stem, picture.source(), picture, caption, metadata, null));
    }
    if (pictures.isEmpty() && caption != null) {
      entries.add(
          new FolderPortion.Entry(
              stem, caption.source(), null, caption, metadata, Reason.PICTURE_MISSING));
    }
  }
}

package org.talespark.data.corpus;

import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.Reason;

/** Some pictures of a folder. */
record FolderPortion(List<Entry> entries, ReadLimits limits) implements Portion {

  /** One picture and what stands beside it; any of the three may be null. */
  record Entry(
      String stem,
      String source,
      FoundFile picture,
      FoundFile caption,
      FoundFile metadata,
      Reason refused)
      implements Serializable {

    long bytes() {
      return picture == null ? 0 : picture.bytes();
    }
  }

  FolderPortion {
    entries = List.copyOf(entries);
  }

  @Override
  public Candidates open(Configuration hadoop) {
    Iterator<Entry> rest = entries.iterator();
    return new Candidates() {
      @Override
      public boolean hasNext() {
        return rest.hasNext();
      }

      @Override
      public Candidate next() {
        return candidate(rest.next(), hadoop);
      }

      @Override
      public void close() {}
    };
  }

  private Candidate candidate(Entry entry, Configuration hadoop) {
    Blob caption = blob(entry.caption(), limits.maxCaptionBytes(), hadoop);
    return new Candidate(
        entry.stem(),
        entry.stem(),
        entry.source(),
        blob(entry.picture(), limits.maxFileBytes(), hadoop),
        caption == null ? List.of() : List.of(caption),
        blob(entry.metadata(), ReadLimits.MAX_METADATA_BYTES, hadoop),
        entry.refused());
  }

  private static Blob blob(FoundFile file, long most, Configuration hadoop) {
    return file == null ? null : new FileBlob(file.uri(), 0, file.bytes(), most, hadoop);
  }
}

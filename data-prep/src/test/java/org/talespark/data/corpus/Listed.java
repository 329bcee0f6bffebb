package org.talespark.data.corpus;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.Reason;

/** A candidate with its texts read, and the reading of whole inputs. */
record Listed(
    String name,
    String stem,
    String source,
    String picture,
    long pictureBytes,
    List<String> captions,
    String metadata,
    Reason refused) {

  static final ReadLimits LIMITS = new ReadLimits(1000, 100);
  static final Configuration HADOOP = new Configuration();

  static List<Listed> all(Format format, Path... inputs) {
    return all(format, LIMITS, inputs);
  }

  static List<Listed> all(Format format, ReadLimits limits, Path... inputs) {
    return all(Corpus.list(paths(inputs), format, limits, HADOOP));
  }

  static List<Listed> all(Listing listing) {
    List<Listed> all = new ArrayList<>();
    listing.portions().forEach(portion -> all.addAll(of(portion)));
    return all;
  }

  static List<String> paths(Path... inputs) {
    return Arrays.stream(inputs).map(Path::toString).toList();
  }

  /** What a portion holds after it went to another machine. */
  static List<Listed> of(Portion portion) {
    List<Listed> all = new ArrayList<>();
    try (Candidates candidates = sent(portion).open(HADOOP)) {
      while (candidates.hasNext()) {
        all.add(of(candidates.next()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all;
  }

  private static Portion sent(Portion portion) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(portion);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      return (Portion) in.readObject();
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Listed of(Candidate c) throws IOException {
    List<String> captions = new ArrayList<>();
    for (Blob caption : c.captions()) {
      captions.add(text(caption, LIMITS.maxCaptionBytes()));
    }
    return new Listed(
        c.name(),
        c.stem(),
        c.source(),
        text(c.picture(), LIMITS.maxFileBytes()),
        c.picture() == null ? -1 : c.picture().bytes(),
        captions,
        text(c.metadata(), ReadLimits.MAX_METADATA_BYTES),
        c.refused());
  }

  private static String text(Blob blob, long most) throws IOException {
    if (blob == null) {
      return null;
    }
    return blob.bytes() > most ? "too long" : new String(blob.read(), StandardCharsets.ISO_8859_1);
  }
}

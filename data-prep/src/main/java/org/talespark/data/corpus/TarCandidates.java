package org.talespark.data.corpus;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.Reason;

/**
 * The samples of a tar, as WebDataset defines them: members that stand side by side and whose paths
 * agree up to the first dot of the base name. A key that comes again later is a candidate again.
 *
 * <ul>
 *   <li>The first picture of a sample is its picture; further ones are refused as {@code
 *       duplicate_key}. Captions are {@code txt}, {@code text} and {@code caption}; {@code json} is
 *       the metadata. Other members, and hidden ones, are ignored.
 *   <li>Links, devices and names that lead out of the tar are refused as {@code unsafe_path}.
 *   <li>Damage: whole samples before it are used. The sample whose member is cut is refused as
 *       {@code truncated}, and so is one further candidate, the tar itself, also when only its end
 *       mark is missing; a file that is no tar from its start is {@code unsupported_format}.
 * </ul>
 */
final class TarCandidates implements Candidates {

  private static final Set<String> CAPTIONS = Set.of("txt", "text", "caption");

  private final TarPortion portion;
  private final FoundFile tar;
  private final ReadLimits limits;
  private final TarMembers members;
  private final SeenNames seen = new SeenNames();
  private final Deque<Candidate> ready = new ArrayDeque<>();
  private Sample sample;
  private boolean begun;
  private boolean done;

  /** A sample while its members pass. */
  private static final class Sample {
    private final String key;
    private String source;
    private Blob picture;
    private final List<Blob> captions = new ArrayList<>();
    private final Set<String> captionKinds = new HashSet<>();
    private Blob metadata;

    Sample(String key) {
      this.key = key;
    }
  }

  TarCandidates(TarPortion portion, Configuration hadoop) throws IOException {
    this.portion = portion;
    this.tar = portion.tar();
    this.limits = portion.limits();
    this.members = new TarMembers(TarInput.open(tar, hadoop));
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && !done) {
      advance();
    }
    return !ready.isEmpty();
  }

  @Override
  public Candidate next() {
    if (!hasNext()) {
      throw new NoSuchElementException(
          "Cannot read sample: tar=" + tar.source() + " is at its end");
    }
    return ready.remove();
  }

  private void advance() {
    TarMember member = null;
    try {
      member = members.next();
      begun = true;
      if (member == null) {
        flush(null);
        done = true;
      } else {
        take(member);
      }
    } catch (IOException e) {
      // a cut member makes its sample a damaged one; a damaged header leaves it whole
      flush(member == null ? null : Reason.TRUNCATED);
      ready.add(Candidate.refused(tar.stem(), tar.relative(), tar.source(), damage()));
      done = true;
    }
  }

  private Reason damage() {
    if (tar.bytes() == 0) {
      return Reason.EMPTY_FILE;
    }
    return begun ? Reason.TRUNCATED : Reason.UNSUPPORTED_FORMAT;
  }

  private void take(TarMember member) throws IOException {
    if (member.refused() != null) {
      ready.add(refused(member, member.refused()));
      return;
    }
    if (member.ignored()) {
      return;
    }
    String key = member.key();
    if (sample == null || !sample.key.equals(key)) {
      flush(null);
      sample = new Sample(key);
    }
    String extension = member.extension();
    if (Kind.isPicture(extension)) {
      if (sample.picture != null) {
        ready.add(refused(member, Reason.DUPLICATE_KEY));
        return;
      }
      sample.source = source(member);
      sample.picture = members.content(member, limits.maxFileBytes());
    } else if (CAPTIONS.contains(extension) && sample.captionKinds.add(extension)) {
      if (sample.source == null) {
        sample.source = source(member);
      }
      sample.captions.add(members.content(member, limits.maxCaptionBytes()));
    } else if (extension.equals("json") && sample.metadata == null) {
      sample.metadata = members.content(member, ReadLimits.MAX_METADATA_BYTES);
    }
  }

  /** Ends the sample; one without picture and caption is none. */
  private void flush(Reason refused) {
    if (sample != null && sample.source != null) {
      Reason reason = refused == null && sample.picture == null ? Reason.PICTURE_MISSING : refused;
      ready.add(
          new Candidate(
              portion.prefix() + sample.key,
              tar.relative() + "/" + sample.key,
              sample.source,
              sample.picture,
              sample.captions,
              sample.metadata,
              reason));
    }
    sample = null;
  }

  private Candidate refused(TarMember member, Reason reason) {
    return Candidate.refused(
        portion.prefix() + member.key(),
        tar.relative() + "/" + member.key(),
        source(member),
        reason);
  }

  /** The tar and the member; with its place in the tar when the name came before. */
  private String source(TarMember member) {
    String source = tar.source() + "#" + member.name();
    return seen.add(member.name()) ? source : source + "@" + member.offset();
  }

  @Override
  public void close() throws IOException {
    members.close();
  }
}

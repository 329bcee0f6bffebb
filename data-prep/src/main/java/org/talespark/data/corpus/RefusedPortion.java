package org.talespark.data.corpus;

import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.Reason;

/** A file that cannot be used as a whole: one refused candidate, so that it is counted. */
record RefusedPortion(FoundFile file, Reason reason) implements Portion {

  @Override
  public Candidates open(Configuration hadoop) {
    Candidate candidate = Candidate.refused(file.stem(), file.relative(), file.source(), reason);
    Iterator<Candidate> rest = List.of(candidate).iterator();
    return new Candidates() {
      @Override
      public boolean hasNext() {
        return rest.hasNext();
      }

      @Override
      public Candidate next() {
        return rest.next();
      }

      @Override
      public void close() {}
    };
  }
}

package org.talespark.data.corpus;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;

/** A tar of samples. */
record TarPortion(FoundFile tar, String prefix, ReadLimits limits) implements Portion {

  @Override
  public Candidates open(Configuration hadoop) throws IOException {
    return new TarCandidates(this, hadoop);
  }
}

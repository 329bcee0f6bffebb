package org.talespark.data.prepare;

import java.io.Serializable;

/** Is told where a run has come to; a test can make it fail there. */
@FunctionalInterface
interface Milestone extends Serializable {

  /** Places of a run; the first three are in tasks, the others on the driver. */
  enum Place {
    EXAMINING,
    WRITING_SHARD,
    WRITING_INDEX,
    STARTED,
    EXAMINED,
    JUDGED,
    ORDERED,
    SHARDS_WRITTEN,
    INDEX_WRITTEN,
    COMMITTED
  }

  void reached(Place place);
}

package org.talespark.data.prepare;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.talespark.data.corpus.Candidate;
import org.talespark.data.corpus.Candidates;
import org.talespark.data.corpus.Portion;

/**
 * One partition of the first stage: portions to rows, samples to a spill file of this attempt. Only
 * one picture is in memory at a time, and rows go as they come.
 *
 * @param spillFolder where spill files go
 */
record ExamineTask(PrepareConfig config, String spillFolder, Milestone milestone)
    implements Serializable {

  private static final int NUMBER_BITS = 32;

  /**
   * A portion of the listing.
   *
   * @param number its place in the listing
   * @param sources which of its candidates are wanted; null for all
   */
  record Work(int number, Portion portion, Set<String> sources) implements Serializable {

    boolean wants(Candidate candidate) {
      return sources == null || sources.contains(candidate.source());
    }
  }

  /**
   * Starts examining; the caller closes what it gets.
   *
   * @param attempt unique among attempts, so that a rerun or speculative task has its own file
   */
  Rows run(Iterator<Work> work, String attempt, Configuration hadoop) {
    return new Rows(work, attempt, hadoop);
  }

  /** The rows of a partition, made as they are asked for. */
  final class Rows implements Iterator<Row>, AutoCloseable {

    private final Iterator<Work> work;
    private final String file;
    private final Configuration hadoop;
    private final Examiner examiner = new Examiner(config);
    private Work portion;
    private Candidates candidates;
    private int ordinal;
    private FSDataOutputStream spill;
    private Row next;

    private Rows(Iterator<Work> work, String file, Configuration hadoop) {
      this.work = work;
      this.file = file;
      this.hadoop = hadoop;
    }

    @Override
    public boolean hasNext() {
      try {
        if (next == null) {
          next = advance();
        }
        if (next == null) {
          close(); // the spill file is whole before the rows that point into it are committed
        }
        return next != null;
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot examine inputs: spill=" + file, e);
      }
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException("Cannot examine inputs: no candidate is left");
      }
      Row row = next;
      next = null;
      return row;
    }

    private Row advance() throws IOException {
      while (true) {
        if (candidates == null) {
          if (!work.hasNext()) {
            return null;
          }
          portion = work.next();
          milestone.reached(Milestone.Place.EXAMINING);
          candidates = portion.portion().open(hadoop);
          ordinal = 0;
        }
        while (candidates.hasNext()) {
          Candidate candidate = candidates.next();
          long id = (long) portion.number() << NUMBER_BITS | ordinal++;
          if (portion.wants(candidate)) {
            return row(id, candidate);
          }
        }
        candidates.close();
        candidates = null;
      }
    }

    private Row row(long id, Candidate candidate) throws IOException {
      Examined examined = examiner.examine(candidate);
      Examined.Sample sample = examined.sample();
      long offset = 0;
      if (sample != null) {
        if (spill == null) {
          Path path = new Path(spillFolder, file);
          FileSystem fs = Storage.of(path, hadoop);
          spill = fs.create(path, true);
        }
        offset = spill.getPos();
        spill.write(sample.image());
        spill.write(sample.sidecar());
      }
      return ExaminedRow.of(id, candidate, examined, file, offset);
    }

    /** Closes what is open, at the end or when the task fails. */
    @Override
    @SuppressWarnings("try") // used by closing them
    public void close() throws IOException {
      try (FSDataOutputStream out = spill;
          Candidates open = candidates) {
        spill = null;
        candidates = null;
      }
    }
  }
}

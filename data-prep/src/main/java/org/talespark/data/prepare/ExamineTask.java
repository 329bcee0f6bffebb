package org.talespark.data.prepare;

import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.prepare.Candidate.Found;

/**
 * One partition of the first stage: candidates to rows, samples to a spill file of this attempt.
 * Only one decoded picture is in memory at a time.
 */
record ExamineTask(PrepareConfig config, String spillFolder) implements Serializable {

  /**
   * Examines all candidates.
   *
   * @param attempt unique among attempts, so that a rerun or speculative task has its own file
   */
  Iterator<Row> run(Iterator<Candidate> candidates, String attempt, Configuration hadoop)
      throws IOException {
    Examiner examiner = new Examiner(config, file -> read(file, hadoop));
    Path file = new Path(spillFolder, attempt);
    FileSystem fs = Storage.of(file, hadoop);
    List<Row> rows = new ArrayList<>();
    FSDataOutputStream spill = null;
    try {
      while (candidates.hasNext()) {
        Candidate candidate = candidates.next();
        Examined examined = examiner.examine(candidate);
        if (examined instanceof Examined.Accepted && spill == null) {
          spill = fs.create(file, true);
        }
        rows.add(row(candidate, examined, file, spill));
      }
    } finally {
      if (spill != null) {
        spill.close();
      }
    }
    return rows.iterator();
  }

  private Row row(Candidate c, Examined examined, Path file, FSDataOutputStream spill)
      throws IOException {
    Examined.Facts f = examined.facts();
    if (examined instanceof Examined.Accepted a) {
      byte[] caption = a.caption().getBytes(StandardCharsets.UTF_8);
      Row.Spilled spilled =
          new Row.Spilled(
              file.toString(), spill.getPos(), a.image().length, caption.length, a.json().length);
      spill.write(a.image());
      spill.write(caption);
      spill.write(a.json());
      return new Row(
          c.key(),
          c.source(),
          Keys.split(c.key(), config.validation(), config.test()),
          a.caption(),
          null,
          f.width(),
          f.height(),
          f.bytes(),
          f.sha256(),
          a.repairs(),
          a.metadata(),
          spilled);
    }
    return new Row(
        c.key(),
        c.source(),
        null,
        null,
        ((Examined.Rejected) examined).reason(),
        f.width(),
        f.height(),
        f.bytes(),
        f.sha256(),
        0,
        Examiner.NONE,
        null);
  }

  private static byte[] read(Found file, Configuration hadoop) throws IOException {
    Path path = new Path(file.uri());
    byte[] bytes = new byte[Math.toIntExact(file.bytes())];
    try (FSDataInputStream in = path.getFileSystem(hadoop).open(path)) {
      in.readFully(bytes);
    }
    return bytes;
  }
}

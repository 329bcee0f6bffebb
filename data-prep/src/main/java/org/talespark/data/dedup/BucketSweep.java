package org.talespark.data.dedup;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * Finds the near duplicates among pictures that agree in a band. Rows {@code (band, bits, light,
 * id, phash, thumbnail)} come sorted by the first three; out come pairs {@code (a, b)} of ids.
 *
 * <p>Pictures are compared only with those of about their light, which alike ones have. Not every
 * pair comes out but enough of them: pictures that are near duplicates of each other are connected
 * through pairs of this or of an earlier band. In memory are the pictures of one bucket within the
 * light's window, and a number for each picture of the bucket.
 */
final class BucketSweep implements Iterator<Row> {

  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Picture(int number, int light, String id, long phash, byte[] thumbnail) {}

  private final Iterator<Row> rows;
  private final int maxDistance;
  private final ArrayDeque<Picture> window = new ArrayDeque<>();
  private final List<Row> found = new ArrayList<>();
  private int[] parents = new int[64];
  private int pictures;
  private int band = -1;
  private long bits;
  private int handedOut;

  BucketSweep(Iterator<Row> rows, int maxDistance) {
    this.rows = rows;
    this.maxDistance = maxDistance;
  }

  @Override
  public boolean hasNext() {
    while (handedOut == found.size() && rows.hasNext()) {
      found.clear();
      handedOut = 0;
      take(rows.next());
    }
    return handedOut < found.size();
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return found.get(handedOut++);
  }

  private void take(Row row) {
    if (row.getInt(0) != band || row.getLong(1) != bits) {
      band = row.getInt(0);
      bits = row.getLong(1);
      window.clear();
      pictures = 0;
    }
    if (pictures == parents.length) {
      parents = Arrays.copyOf(parents, 2 * pictures);
    }
    Picture picture =
        new Picture(pictures, row.getInt(2), row.getString(3), row.getLong(4), row.getAs(5));
    parents[pictures] = pictures;
    pictures++;
    while (!window.isEmpty()
        && picture.light() - window.peekFirst().light() > Thumbnails.mostShiftOfSum()) {
      window.removeFirst();
    }
    for (Picture other : window) {
      compare(other, picture);
    }
    window.addLast(picture);
  }

  private void compare(Picture a, Picture b) {
    if (Fingerprint.distance(a.phash(), b.phash()) > maxDistance) {
      return;
    }
    int rootA = root(a.number());
    int rootB = root(b.number());
    if (rootA == rootB || !Thumbnails.alike(a.thumbnail(), b.thumbnail())) {
      return;
    }
    parents[rootB] = rootA;
    if (Bands.firstCommon(a.phash(), b.phash(), maxDistance + 1) == band) {
      found.add(RowFactory.create(a.id(), b.id()));
    }
  }

  private int root(int number) {
    int at = number;
    while (parents[at] != at) {
      parents[at] = parents[parents[at]];
      at = parents[at];
    }
    return at;
  }
}

package org.talespark.data.dedup;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Generated fingerprints, and components by comparing all pairs. */
final class Prints {

  private Prints() {}

  /** Clusters around some centres, with about {@code flips} bits and some levels changed. */
  static List<Fingerprint> clustered(Random random, int count, int flips) {
    List<Fingerprint> prints = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (prints.isEmpty() || random.nextInt(4) == 0) {
        prints.add(new Fingerprint(random.nextLong(), thumbnail(random)));
      } else {
        Fingerprint near = prints.get(random.nextInt(prints.size()));
        prints.add(varied(random, near, random.nextInt(flips), 1 + random.nextInt(60)));
      }
    }
    return prints;
  }

  static byte[] thumbnail(Random random) {
    byte[] thumbnail = new byte[Fingerprint.THUMBNAIL_BYTES];
    int base = random.nextInt(200);
    for (int i = 0; i < thumbnail.length; i++) {
      thumbnail[i] = (byte) (base + random.nextInt(56));
    }
    return thumbnail;
  }

  static Fingerprint varied(Random random, Fingerprint of, int flips, int levels) {
    long hash = of.phash();
    for (int i = 0; i < flips; i++) {
      hash ^= 1L << random.nextInt(64);
    }
    byte[] thumbnail = of.thumbnail().clone();
    for (int i = 0; i < thumbnail.length; i++) {
      int value = (thumbnail[i] & 0xFF) + random.nextInt(levels) - levels / 2;
      thumbnail[i] = (byte) Math.max(0, Math.min(255, value));
    }
    return new Fingerprint(hash, thumbnail);
  }

  /** For each picture the smallest number of its component. */
  static int[] components(List<Fingerprint> prints, int maxDistance) {
    int[] components = new int[prints.size()];
    for (int i = 0; i < components.length; i++) {
      components[i] = i;
    }
    for (int i = 0; i < components.length; i++) {
      for (int j = 0; j < i; j++) {
        if (prints.get(i).near(prints.get(j), maxDistance)) {
          join(components, i, j);
        }
      }
    }
    return components;
  }

  static void join(int[] components, int a, int b) {
    int smaller = Math.min(components[a], components[b]);
    int larger = Math.max(components[a], components[b]);
    for (int i = 0; i < components.length; i++) {
      if (components[i] == larger) {
        components[i] = smaller;
      }
    }
  }
}

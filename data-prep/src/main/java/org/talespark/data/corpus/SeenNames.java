package org.talespark.data.corpus;

/**
 * Names seen so far, kept as 64-bit hashes: a name that collides is taken for seen, which every run
 * does alike. Takes 16 to 32 bytes a name.
 */
final class SeenNames {

  private long[] table = new long[1024];
  private int size;

  /** True when the name is new. */
  boolean add(String name) {
    if (2 * size >= table.length) {
      long[] old = table;
      table = new long[2 * old.length];
      for (long hash : old) {
        if (hash != 0) {
          put(hash);
        }
      }
    }
    boolean added = put(hash(name));
    size += added ? 1 : 0;
    return added;
  }

  private boolean put(long hash) {
    int at = (int) (hash >>> 20) & (table.length - 1);
    while (table[at] != 0) {
      if (table[at] == hash) {
        return false;
      }
      at = (at + 1) & (table.length - 1);
    }
    table[at] = hash;
    return true;
  }

  /** FNV-1a over the characters, its bits mixed; never 0. */
  private static long hash(String name) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash ^ name.charAt(i)) * 0x100000001b3L;
    }
    hash = (hash ^ (hash >>> 32)) * 0x9e3779b97f4a7c15L;
    hash ^= hash >>> 29;
    return hash == 0 ? 1 : hash;
  }
}

package org.talespark.jobs.train;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.talespark.data.BadInputException;
import org.talespark.data.Sha256;
import org.talespark.data.dataset.Shard;
import org.talespark.jobs.latents.LatentFile;

/**
 * What lies where in a shard: made in the one pass in which the shard is copied and its checksum
 * compared. WebDataset's rule: members whose names agree up to the first dot are one sample, and
 * stand side by side.
 */
final class ShardIndex {

  /** A sample: its key and caption, and where its picture's file lies. */
  record Entry(String key, String caption, long offset, int length) {}

  private static final int BUFFER = 1 << 18;
  private static final int MOST_PICTURE_BYTES = 256 << 20;
  private static final int MOST_CAPTION_BYTES = 16 << 20;

  /** What is wrong with the structure; the checksum may say more. */
  private static final class StructureException extends Exception {
    private static final long serialVersionUID = 1;

    StructureException(String message) {
      super(message);
    }
  }

  /** Copies and hashes all that is read through it. */
  private static final class Tee extends InputStream {
    private final InputStream in;
    private final OutputStream copy;
    private final long most;
    private final MessageDigest digest = Sha256.digest();
    private long length;
    private IOException failure;

    Tee(InputStream in, OutputStream copy, long most) {
      this.in = in;
      this.copy = copy;
      this.most = most;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int offset, int wanted) throws IOException {
      if (length > most) {
        return -1; // the length is wrong already
      }
      try {
        int n = in.read(bytes, offset, wanted);
        if (n > 0) {
          digest.update(bytes, offset, n);
          copy.write(bytes, offset, n);
          length += n;
        }
        return n;
      } catch (IOException e) {
        failure = e;
        throw e;
      }
    }
  }

  private static final class Open {
    final String key;
    String caption;
    long offset = -1;
    int length;

    Open(String key) {
      this.key = key;
    }
  }

  private final Shard shard;
  private final Tee tee;

  private ShardIndex(Shard shard, Tee tee) {
    this.shard = shard;
    this.tee = tee;
  }

  /**
   * Copies a shard and indexes it.
   *
   * @return the samples in their order, as many as the manifest says
   * @throws BadInputException when length, checksum or structure are not what the manifest lists
   * @throws IOException when reading or writing fails
   */
  static List<Entry> copy(Shard shard, InputStream in, OutputStream copy) throws IOException {
    Tee tee = new Tee(in, copy, shard.bytes());
    return new ShardIndex(shard, tee).run();
  }

  private List<Entry> run() throws IOException {
    List<Entry> entries = List.of();
    Exception wrong = null;
    try {
      entries = index();
    } catch (StructureException | IllegalArgumentException | ArithmeticException e) {
      wrong = e; // the latter two are numbers out of range
    } catch (IOException e) {
      if (tee.failure != null) {
        throw tee.failure;
      }
      wrong = e;
    }
    drain();
    String sha256 = HexFormat.of().formatHex(tee.digest.digest());
    if (tee.length != shard.bytes() || !sha256.equals(shard.sha256())) {
      throw new BadInputException(
          "Cannot trust shard: shard=%s bytes=%s%d sha256=%s, expected bytes=%d sha256=%s; try preparing the dataset again"
              .formatted(
                  shard.uri(),
                  tee.length > shard.bytes() ? "at least " : "",
                  tee.length,
                  sha256,
                  shard.bytes(),
                  shard.sha256()),
          wrong);
    }
    if (wrong != null) {
      throw damaged(wrong.getMessage(), wrong);
    }
    if (entries.size() != shard.samples()) {
      throw damaged("samples=%d, expected %d".formatted(entries.size(), shard.samples()), null);
    }
    return entries;
  }

  private void drain() throws IOException {
    byte[] buffer = new byte[BUFFER];
    while (tee.read(buffer, 0, buffer.length) >= 0) {
      // the tee sees it
    }
  }

  private BadInputException damaged(String detail, Exception cause) {
    return new BadInputException(
        "Cannot read shard: shard=%s is damaged (%s); try preparing the dataset again"
            .formatted(shard.uri(), detail),
        cause);
  }

  @SuppressWarnings("resource") // the source is its opener's
  private List<Entry> index() throws IOException, StructureException {
    TarArchiveInputStream tar = new TarArchiveInputStream(new BufferedInputStream(tee, BUFFER));
    List<Entry> entries = new ArrayList<>();
    Open open = null;
    for (TarArchiveEntry e = tar.getNextTarEntry(); e != null; e = tar.getNextTarEntry()) {
      String name = e.getName();
      int dot = name.indexOf('.');
      if (!e.isFile() || dot < 1 || name.indexOf('/') >= 0) {
        throw new StructureException("member=%s, expected a file KEY.EXTENSION".formatted(name));
      }
      String key = name.substring(0, dot);
      if (open == null || !open.key.equals(key)) {
        finish(open, entries);
        open = new Open(key);
      }
      switch (name.substring(dot + 1)) {
        case "png", "jpg", LatentFile.EXTENSION -> {
          checkOnce(open.offset < 0, e, MOST_PICTURE_BYTES);
          open.offset = tar.getBytesRead();
          open.length = (int) e.getSize();
        }
        case "txt" -> {
          checkOnce(open.caption == null, e, MOST_CAPTION_BYTES);
          open.caption = new String(tar.readAllBytes(), StandardCharsets.UTF_8);
        }
        case "json" -> {}
        default ->
            throw new StructureException(
                "member=%s, expected png, jpg, npy, txt or json".formatted(name));
      }
    }
    finish(open, entries);
    return List.copyOf(entries);
  }

  private static void checkOnce(boolean first, TarArchiveEntry entry, int most)
      throws StructureException {
    if (!first || entry.getSize() > most) {
      throw new StructureException(
          "member=%s bytes=%d, expected it once and at most %d bytes"
              .formatted(entry.getName(), entry.getSize(), most));
    }
  }

  private static void finish(Open open, List<Entry> entries) throws StructureException {
    if (open == null) {
      return;
    }
    if (open.offset < 0 || open.caption == null) {
      throw new StructureException("key=%s lacks a picture or caption".formatted(open.key));
    }
    entries.add(new Entry(open.key, open.caption, open.offset, open.length));
  }
}

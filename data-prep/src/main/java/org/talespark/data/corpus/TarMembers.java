package org.talespark.data.corpus;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.zip.ZipEncoding;
import org.apache.commons.compress.archivers.zip.ZipEncodingHelper;
import org.talespark.data.Reason;

/**
 * The members of a tar: ustar, GNU and pax headers. Long names and pax headers are read up to a
 * limit, so a hostile header costs no memory.
 */
final class TarMembers implements Closeable {

  private static final int MOST_HEADER_BYTES = 1 << 20;
  private static final byte PAX_SOLARIS = 'X';
  private static final byte GNU_CONTINUED = 'M';
  private static final int SPARSE_CONTINUES_AT = 504;
  // one character a byte, so that names can be decoded here
  private static final ZipEncoding BYTES = ZipEncodingHelper.getZipEncoding("ISO-8859-1");

  private final TarInput in;
  private final byte[] block = new byte[TarInput.BLOCK];
  private long end;

  TarMembers(TarInput in) {
    this.in = in;
  }

  /** What headers before a member's own say about it. */
  private static final class Overrides {
    private String name;
    private Long bytes;
    private boolean sparse;
    private boolean tooLong;
  }

  /**
   * The next member, with the input at its content; null at the end mark.
   *
   * @throws IOException at damage; an {@link EOFException} also when there is no end mark
   */
  TarMember next() throws IOException {
    in.skip(end - in.position());
    in.align();
    Overrides over = new Overrides();
    while (true) {
      if (!in.block(block)) {
        throw new EOFException("the tar ends without its end mark");
      }
      if (zero(block)) {
        return null;
      }
      TarArchiveEntry header = header();
      switch (header.getLinkFlag()) {
        case TarConstants.LF_GNUTYPE_LONGNAME -> {
          byte[] name = text(header, over);
          if (name != null) {
            over.name = terminated(name);
          }
        }
        case TarConstants.LF_GNUTYPE_LONGLINK, TarConstants.LF_PAX_GLOBAL_EXTENDED_HEADER ->
            in.skip(size(header.getSize()));
        case TarConstants.LF_PAX_EXTENDED_HEADER_LC, PAX_SOLARIS -> {
          byte[] records = text(header, over);
          if (records != null) {
            pax(records, over);
          }
        }
        default -> {
          return member(header, over);
        }
      }
      in.align();
    }
  }

  /** The member's content, to be asked for at once or never. */
  Blob content(TarMember member, long most) throws IOException {
    return member.bytes() > most
        ? Blob.skipped(member.bytes())
        : Blob.of(in.read((int) member.bytes()));
  }

  private TarArchiveEntry header() throws IOException {
    try {
      TarArchiveEntry header = new TarArchiveEntry(block, BYTES);
      if (!header.isCheckSumOK()) {
        throw new IOException("a header's checksum is wrong");
      }
      return header;
    } catch (IllegalArgumentException e) {
      throw new IOException("a header is malformed", e);
    }
  }

  private TarMember member(TarArchiveEntry header, Overrides over) throws IOException {
    byte type = header.getLinkFlag();
    boolean sparse = over.sparse || type == TarConstants.LF_GNUTYPE_SPARSE;
    if (type == TarConstants.LF_GNUTYPE_SPARSE) {
      boolean more = header.isExtended();
      while (more) {
        if (!in.block(block)) {
          throw new EOFException("the tar ends within a header");
        }
        more = block[SPARSE_CONTINUES_AT] != 0;
      }
    }
    boolean hasContent = type < TarConstants.LF_LINK || type > TarConstants.LF_FIFO;
    long bytes = hasContent ? size(over.bytes == null ? header.getSize() : over.bytes) : 0;
    String name = over.name == null ? decoded(bytes(header.getName())) : over.name;
    while (name.startsWith("./")) {
      name = name.substring(2);
    }
    end = in.position() + bytes;
    return new TarMember(name, bytes, in.position(), refusal(type, name, sparse, over));
  }

  private static Reason refusal(byte type, String name, boolean sparse, Overrides over) {
    boolean folder = type == TarConstants.LF_DIR;
    boolean special = type >= TarConstants.LF_LINK && type <= TarConstants.LF_FIFO && !folder;
    if (special || over.tooLong || TarMember.leadsOut(name)) {
      return Reason.UNSAFE_PATH;
    }
    return sparse || type == GNU_CONTINUED ? Reason.UNSUPPORTED_FORMAT : null;
  }

  private static long size(long bytes) throws IOException {
    if (bytes < 0 || bytes > Long.MAX_VALUE / 4) {
      throw new IOException("a member's length is impossible: bytes=" + bytes);
    }
    return bytes;
  }

  /** The content of a header that describes the next one; null when it is too long. */
  private byte[] text(TarArchiveEntry header, Overrides over) throws IOException {
    long bytes = size(header.getSize());
    if (bytes > MOST_HEADER_BYTES) {
      over.tooLong = true;
      in.skip(bytes);
      return null;
    }
    return in.read((int) bytes);
  }

  /** Records of the form {@code LENGTH KEY=VALUE\n}, the length counting all of it. */
  private static void pax(byte[] records, Overrides over) throws IOException {
    Map<String, String> fields = new HashMap<>();
    int at = 0;
    while (at < records.length && records[at] != 0) {
      int space = at;
      int length = 0;
      while (space < records.length && records[space] >= '0' && records[space] <= '9') {
        length = Math.min(MOST_HEADER_BYTES + 1, length * 10 + records[space] - '0');
        space++;
      }
      int equals = space;
      while (equals < records.length && records[equals] != '=') {
        equals++;
      }
      int stop = at + length - 1;
      if (length > records.length - at
          || stop <= equals
          || records[space] != ' '
          || records[stop] != '\n') {
        throw new IOException("a pax header is malformed");
      }
      fields.put(decoded(records, space + 1, equals), decoded(records, equals + 1, stop));
      at = stop + 1;
    }
    over.name = fields.getOrDefault("GNU.sparse.name", fields.getOrDefault("path", over.name));
    over.sparse |= fields.keySet().stream().anyMatch(key -> key.startsWith("GNU.sparse."));
    if (fields.containsKey("size")) {
      try {
        over.bytes = Long.parseLong(fields.get("size"));
      } catch (NumberFormatException e) {
        throw new IOException("a pax header is malformed", e);
      }
    }
  }

  private static byte[] bytes(String latin) {
    return latin.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String terminated(byte[] name) {
    int length = 0;
    while (length < name.length && name[length] != 0) {
      length++;
    }
    return decoded(name, 0, length);
  }

  private static String decoded(byte[] name) {
    return decoded(name, 0, name.length);
  }

  /** UTF-8, or one character a byte, so that different names stay different. */
  private static String decoded(byte[] name, int from, int to) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(name, from, to - from))
          .toString();
    } catch (CharacterCodingException e) {
      return new String(name, from, to - from, StandardCharsets.ISO_8859_1);
    }
  }

  private static boolean zero(byte[] block) {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}

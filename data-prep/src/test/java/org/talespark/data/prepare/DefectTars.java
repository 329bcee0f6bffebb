package org.talespark.data.prepare;

import static org.talespark.data.prepare.Scratch.png;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarConstants;

/** The tars of the {@link DefectCorpus}. */
final class DefectTars {

  private static final long HUGE = 4L << 30;

  private DefectTars() {}

  static void make(Path root, Map<String, String> expected) throws IOException {
    Path tricks = root.resolve("tricks.tar");
    ByteArrayOutputStream tar = new ByteArrayOutputStream();
    sample(tar, "fine", png(1, 40, 40));
    expected.put("tricks.tar#fine.png", "accepted");
    sample(tar, "folder/fine", png(2, 40, 40));
    expected.put("tricks.tar#folder/fine.png", "accepted");
    member(tar, "../escape.png", png(3, 40, 40));
    expected.put("tricks.tar#../escape.png", "unsafe_path");
    member(tar, "/etc/absolute.png", png(4, 40, 40));
    expected.put("tricks.tar#/etc/absolute.png", "unsafe_path");
    special(tar, "soft.png", TarConstants.LF_SYMLINK);
    expected.put("tricks.tar#soft.png", "unsafe_path");
    special(tar, "hard.png", TarConstants.LF_LINK);
    expected.put("tricks.tar#hard.png", "unsafe_path");
    special(tar, "device.png", TarConstants.LF_CHR);
    expected.put("tricks.tar#device.png", "unsafe_path");
    member(tar, ".hidden.png", png(5, 40, 40));
    member(tar, "alone.txt", "no picture".getBytes(StandardCharsets.UTF_8));
    expected.put("tricks.tar#alone.txt", "picture_missing");
    member(tar, "two.jpg", png(6, 40, 40));
    sample(tar, "two", png(7, 40, 40));
    expected.put("tricks.tar#two.jpg", "accepted");
    expected.put("tricks.tar#two.png", "duplicate_key");
    sample(tar, "again", png(8, 40, 40));
    sample(tar, "other", png(9, 40, 40));
    member(tar, "again.webp", png(10, 40, 40));
    member(tar, "again.text", "the key a second time".getBytes(StandardCharsets.UTF_8));
    expected.put("tricks.tar#again.png", "accepted");
    expected.put("tricks.tar#other.png", "accepted");
    expected.put("tricks.tar#again.webp", "duplicate_key");
    tar.write(header("huge.png", HUGE, TarConstants.LF_NORMAL));
    Files.write(tricks, tar.toByteArray());
    expected.put("tricks.tar#huge.png", "file_too_large");

    ByteArrayOutputStream rest = new ByteArrayOutputStream();
    member(rest, "huge.txt", "four gigabytes".getBytes(StandardCharsets.UTF_8));
    sample(rest, "after", png(11, 40, 40));
    expected.put("tricks.tar#after.png", "accepted");
    rest.write(new byte[1024]);
    try (RandomAccessFile file = new RandomAccessFile(tricks.toFile(), "rw")) {
      file.seek(file.length() + HUGE); // a hole
      file.write(rest.toByteArray());
    }

    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    sample(whole, "first", png(12, 40, 40));
    int good = whole.size();
    sample(whole, "second", png(13, 40, 40));
    Files.write(root.resolve("cut.tar"), Arrays.copyOf(whole.toByteArray(), good + 600));
    expected.put("cut.tar#first.png", "accepted");
    expected.put("cut.tar#second.png", "truncated");
    expected.put("cut.tar", "truncated");
  }

  private static void sample(ByteArrayOutputStream tar, String key, byte[] png) throws IOException {
    member(tar, key + ".png", png);
    member(tar, key + ".txt", ("a caption for " + key).getBytes(StandardCharsets.UTF_8));
  }

  private static void member(ByteArrayOutputStream tar, String name, byte[] content)
      throws IOException {
    tar.write(header(name, content.length, TarConstants.LF_NORMAL));
    tar.write(Arrays.copyOf(content, (content.length + 511) / 512 * 512));
  }

  private static void special(ByteArrayOutputStream tar, String name, byte type)
      throws IOException {
    tar.write(header(name, 0, type));
  }

  private static byte[] header(String name, long size, byte type) {
    TarArchiveEntry entry = new TarArchiveEntry(name, type, true);
    entry.setSize(size);
    entry.setModTime(0L);
    if (type == TarConstants.LF_SYMLINK || type == TarConstants.LF_LINK) {
      entry.setLinkName("/etc/passwd");
    }
    byte[] header = new byte[512];
    entry.writeEntryHeader(header);
    return header;
  }
}

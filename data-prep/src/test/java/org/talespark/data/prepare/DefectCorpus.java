package org.talespark.data.prepare;

import static org.talespark.data.prepare.OddPictures.cut;
import static org.talespark.data.prepare.OddPictures.patched;
import static org.talespark.data.prepare.OddPictures.rgb;
import static org.talespark.data.prepare.Scratch.pixels;
import static org.talespark.data.prepare.Scratch.png;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;

/** A corpus with everything that goes wrong in corpora, and what must become of each row. */
final class DefectCorpus {

  static final String ACCEPTED = "accepted";

  /** {@code accepted} or the reason, by the path below the corpus (for rows of files, with #). */
  final Map<String, String> expected = new HashMap<>();

  final List<String> inputs;
  final Path blocklist;

  private final Path root;
  private final Path in;
  private int seed = 1000;

  DefectCorpus(Path root) throws Exception {
    this.root = root;
    this.in = root.resolve("folder");
    this.blocklist = root.resolve("blocklist.txt");
    formats();
    damaged();
    truncated();
    filtered();
    captions();
    sidecars();
    copies();
    names();
    unsafe();
    DefectTars.make(root, expected);
    manifest();
    this.inputs =
        List.of("folder", "tricks.tar", "cut.tar", "rows.jsonl").stream()
            .map(name -> root.resolve(name).toString())
            .toList();
  }

  private void put(String name, byte[] bytes, String caption, String outcome) throws IOException {
    Scratch.put(in, name, bytes);
    if (caption != null) {
      Scratch.put(in, name.substring(0, name.lastIndexOf('.')) + ".txt", caption);
    }
    expected.put("folder/" + name, outcome);
  }

  private void put(String name, byte[] bytes, String outcome) throws IOException {
    put(name, bytes, "a caption for " + name, outcome);
  }

  private void formats() throws IOException {
    for (String format : List.of("jpeg", "png", "bmp", "gif", "tiff")) {
      put("as." + format + "/x." + format.replace("jpeg", "jpg"), rgb(seed++, format), ACCEPTED);
    }
    put("webp.webp", OddPictures.webp(seed++), ACCEPTED);
    put("cmyk.jpg", OddPictures.cmyk(seed++), ACCEPTED);
    put("progressive.jpg", OddPictures.progressive(seed++), ACCEPTED);
    put("animated.gif", OddPictures.animated(seed++), ACCEPTED);
    put("deep-alpha.png", OddPictures.deepAlpha(seed++), ACCEPTED);
    int[] types = {
      BufferedImage.TYPE_BYTE_GRAY,
      BufferedImage.TYPE_USHORT_GRAY,
      BufferedImage.TYPE_BYTE_INDEXED,
      BufferedImage.TYPE_INT_ARGB,
      BufferedImage.TYPE_BYTE_BINARY
    };
    for (int type : types) {
      put("type-" + type + ".png", OddPictures.file(seed++, type, "png"), ACCEPTED);
    }
    for (int orientation = 1; orientation <= 8; orientation++) {
      put("turned-" + orientation + ".jpg", OddPictures.turned(seed++, orientation), ACCEPTED);
    }
    put("jpeg-named.png", rgb(seed++, "jpeg"), ACCEPTED);
    put("png-named.JPG", rgb(seed++, "png"), ACCEPTED);
  }

  private void damaged() throws IOException {
    put("zero.png", new byte[0], "empty_file");
    put("words.jpg", "these are only words".getBytes(StandardCharsets.UTF_8), "unsupported_format");
    put(
        "page.png",
        "<!DOCTYPE html><html>404".getBytes(StandardCharsets.UTF_8),
        "unsupported_format");
    put(
        "vector.png",
        "<svg xmlns='http://www.w3.org'/>".getBytes(StandardCharsets.UTF_8),
        "unsupported_format");
    put(
        "paper.jpg",
        "%PDF-1.7 and more of it".getBytes(StandardCharsets.UTF_8),
        "unsupported_format");
    byte[] noise = png(seed++, 40, 40);
    for (int i = 50; i < noise.length - 30; i++) {
      noise[i] = (byte) (i * 77);
    }
    put("noise.png", noise, "undecodable");
    put("no-side.png", patched(png(seed++, 40, 40), 16, 0, 0, 0, 0), "undecodable");
    put(
        "bomb.png",
        patched(png(seed++, 40, 40), 18, 0xEA, 0x60, 0, 0, 0xEA, 0x60),
        "too_many_pixels");
    put(
        "bomb.bmp",
        patched(rgb(seed++, "bmp"), 18, 0x60, 0xEA, 0, 0, 0x60, 0xEA),
        "too_many_pixels");
    put("bomb.gif", patched(rgb(seed++, "gif"), 6, 0xFF, 0xFF, 0xFF, 0xFF), "too_many_pixels");
    put("heavy.png", new byte[(1 << 20) + 1], "file_too_large");
    put("giant.jpg", new byte[1], "file_too_large");
    try (RandomAccessFile sparse = new RandomAccessFile(in.resolve("giant.jpg").toFile(), "rw")) {
      sparse.setLength(3L << 30);
    }
  }

  private void truncated() throws IOException {
    byte[] png = png(seed++, 40, 40);
    for (int length : new int[] {4, 12, 20, 30, png.length / 2, -16, -1}) {
      put("cut-png" + length + ".png", cut(png, length), "truncated");
    }
    byte[] jpeg = rgb(seed++, "jpeg");
    for (int length : new int[] {2, 3, 15, 100, jpeg.length / 2, -2}) {
      put("cut-jpeg" + length + ".jpg", cut(jpeg, length), "truncated");
    }
    for (String format : List.of("gif", "bmp", "tiff")) {
      byte[] file = rgb(seed++, format);
      put("cut-" + format + "." + format, cut(file, file.length / 2), "truncated");
    }
    byte[] webp = OddPictures.webp(seed++);
    put("cut-webp.webp", cut(webp, webp.length / 2), "truncated");
  }

  private void filtered() throws Exception {
    put("small.png", png(seed++, 15, 60), "too_small");
    put("tracker.gif", patched(rgb(seed++, "gif"), 6, 40, 0, 40, 0), ACCEPTED);
    put("pixel.png", png(seed++, 1, 1), "too_small");
    put("little.png", png(seed++, 17, 17), "too_small"); // by area
    put("banner.png", png(seed++, 400, 20), "bad_aspect");
    put("white.png", Images.encodePng(plain(255)), "blank");
    put("black.jpg", Images.encodeJpeg(plain(0), 90), "blank");
    byte[] blocked = png(seed++, 40, 40);
    put("blocked.png", blocked, "blocked");
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(blocked);
    Files.writeString(blocklist, HexFormat.of().formatHex(hash) + "\n");
  }

  private static Pixels plain(int level) {
    byte[] rgb = new byte[3 * 40 * 40];
    Arrays.fill(rgb, (byte) level);
    return new Pixels(40, 40, rgb);
  }

  private void captions() throws IOException {
    put("mute.png", png(seed++, 40, 40), null, "caption_missing");
    put("hollow.png", png(seed++, 40, 40), " \t\u0000\n", "caption_empty");
    put("empty-text.png", png(seed++, 40, 40), "", "caption_empty");
    put("chatty.png", png(seed++, 40, 40), "x".repeat(201), "caption_too_long");
    put("wordy.png", png(seed++, 40, 40), "a ".repeat(60), "caption_too_long");
    put("flood.png", png(seed++, 40, 40), "", "caption_too_long");
    try (RandomAccessFile sparse = new RandomAccessFile(in.resolve("flood.txt").toFile(), "rw")) {
      sparse.setLength(100 << 20);
    }
    put("latin.png", png(seed++, 40, 40), null, ACCEPTED);
    Scratch.put(in, "latin.txt", "caf\u00e9 noir".getBytes(StandardCharsets.ISO_8859_1));
    put("nul.png", png(seed++, 40, 40), "a\u0000 cat\u0007\r\n sits", ACCEPTED);
    put("emoji.png", png(seed++, 40, 40), "\uD83D\uDC68\u200D\uD83D\uDC69", ACCEPTED);
    Scratch.put(in, "orphan.txt", "a caption alone");
    expected.put("folder/orphan.txt", "picture_missing");
  }

  private void sidecars() throws IOException {
    put("sidecar.png", png(seed++, 40, 40), null, ACCEPTED);
    Scratch.put(in, "sidecar.json", "{\"caption\":\"from the sidecar\",\"licence\":\"CC0\"}");
    put("list.png", png(seed++, 40, 40), null, ACCEPTED);
    Scratch.put(in, "list.json", "{\"captions\":[\"one\",\"two\",3]}");
    put("broken.png", png(seed++, 40, 40), ACCEPTED);
    Scratch.put(in, "broken.json", "{\"a\":");
    put("deep.png", png(seed++, 40, 40), ACCEPTED);
    Scratch.put(in, "deep.json", "[".repeat(100_000));
  }

  private void copies() throws IOException {
    byte[] png = png(900, 60, 60);
    put("original.png", png, "the original and its longest caption", ACCEPTED);
    put("original-copy.png", png, "duplicate");
    put("original-again.jpg", Images.encodeJpeg(pixels(900, 60, 60), 85), "near_duplicate");
    put("original-small.png", png(900, 32, 32), "near_duplicate");
    put("twin.jpg", Images.encodeJpeg(pixels(seed++, 40, 40), 90), ACCEPTED); // first by source
    put("twin.png", png(seed++, 40, 40), "duplicate_key");
    put("spare.jpg", new byte[0], "empty_file");
    put("spare.png", png(seed++, 40, 40), ACCEPTED); // the first one that can be used
  }

  private void names() throws IOException {
    put("nested/folder/deep.png", png(seed++, 40, 40), ACCEPTED);
    put("named.with.dots.png", png(seed++, 40, 40), ACCEPTED);
    put("\u65e5\u672c.png", png(seed++, 40, 40), ACCEPTED);
    put("\u65e5\u8a9e.png", png(seed++, 40, 40), ACCEPTED); // the same key until told apart
    put("a b.png", png(seed++, 40, 40), ACCEPTED);
    put("a_b.png", png(seed++, 40, 40), ACCEPTED);
    put("50% off?.png", png(seed++, 40, 40), ACCEPTED);
    put("x".repeat(200) + ".png", png(seed++, 40, 40), "a long name", ACCEPTED);
    Scratch.put(in, ".hidden.png", png(seed++, 40, 40));
    Scratch.put(in, "_temporary/x.png", png(seed++, 40, 40));
    Scratch.put(in, "README.md", "no input");
  }

  private void unsafe() throws Exception {
    Path secret = root.resolve("secret");
    Scratch.put(secret, "secret.png", png(seed++, 40, 40));
    Files.createSymbolicLink(in.resolve("link.png"), secret.resolve("secret.png"));
    expected.put("folder/link.png", "unsafe_path");
    Files.createSymbolicLink(in.resolve("linked"), secret);
    expected.put("folder/linked", "unsafe_path");
    Files.createSymbolicLink(in.resolve("link-to-nothing.png"), secret.resolve("gone.png"));
    expected.put("folder/link-to-nothing.png", "unsafe_path");
    put("linked-text.png", png(seed++, 40, 40), null, "caption_missing");
    Files.createSymbolicLink(in.resolve("linked-text.txt"), blocklist);
    String pipe = in.resolve("pipe.png").toString();
    if (new ProcessBuilder("mkfifo", pipe).start().waitFor() != 0) {
      throw new IllegalStateException("no pipe");
    }
    expected.put("folder/pipe.png", "unsafe_path");
  }

  private void manifest() throws IOException {
    Scratch.put(root, "loose/row.png", png(seed++, 40, 40));
    String[][] rows = {
      {"{\"path\":\"loose/row.png\",\"caption\":\"a row\"}", ACCEPTED},
      {"{\"path\":\"loose/gone.png\",\"caption\":\"gone\"}", "picture_missing"},
      {"{\"path\":\"../../etc/passwd\",\"caption\":\"out\"}", "unsafe_path"},
      {"{\"path\":\"folder/link.png\",\"caption\":\"a link\"}", "unsafe_path"},
      {"{\"path\":", "undecodable"},
      {"{\"path\":\"loose/row.png\"}", "caption_missing"},
      {"{\"caption\":\"no picture\"}", "picture_missing"},
    };
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows.length; i++) {
      text.append(rows[i][0]).append('\n');
      expected.put("rows.jsonl#" + (i + 1), rows[i][1]);
    }
    Scratch.put(root, "rows.jsonl", text.toString());
  }
}

package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Whatever the bytes, the header is found or refused for a reason; nothing else is thrown. */
class PictureHeaderFuzzTest {

  private static final ImageDecoder CAREFUL = new ImageDecoder(new ImageDecoder.Limits(1, 4096, 0));

  private static byte[] sound(String format) {
    BufferedImage image = new BufferedImage(9, 7, BufferedImage.TYPE_INT_RGB);
    image.setRGB(3, 3, 0xFF8800);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, format, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  @Provide
  Arbitrary<byte[]> damaged() {
    List<byte[]> sound =
        List.of(sound("png"), sound("jpg"), sound("gif"), sound("bmp"), sound("tiff"));
    Arbitrary<int[]> edits = Arbitraries.integers().array(int[].class).ofMaxSize(12);
    return Combinators.combine(Arbitraries.of(sound), edits, Arbitraries.doubles().between(0, 1.2))
        .as(
            (file, changes, share) -> {
              byte[] copy = Arrays.copyOf(file, (int) Math.min(file.length, share * file.length));
              for (int change : changes) {
                if (copy.length > 0) {
                  copy[Math.floorMod(change >> 8, copy.length)] = (byte) change;
                }
              }
              return copy;
            });
  }

  @Provide
  Arbitrary<byte[]> signed() {
    List<String> signatures =
        List.of(
            "\u0089PNG\r\n\u001a\n\0\0\0\rIHDR",
            "\u00ff\u00d8\u00ff",
            "GIF89a",
            "RIFF\0\0\0\0WEBPVP8X",
            "RIFF\0\0\0\0WEBPVP8L",
            "BM",
            "II*\0",
            "MM\0*");
    return Combinators.combine(
            Arbitraries.of(signatures), Arbitraries.bytes().array(byte[].class).ofMaxSize(300))
        .as(
            (signature, rest) -> {
              byte[] start = signature.getBytes(StandardCharsets.ISO_8859_1);
              byte[] all = Arrays.copyOf(start, start.length + rest.length);
              System.arraycopy(rest, 0, all, start.length, rest.length);
              return all;
            });
  }

  @Property(tries = 3000)
  void damagedPicturesAreReadOrRefused(@ForAll("damaged") byte[] file) {
    read(file);
  }

  @Property(tries = 3000)
  void noiseBehindASignatureIsReadOrRefused(@ForAll("signed") byte[] file) {
    read(file);
  }

  @Property(tries = 500)
  void noiseIsReadOrRefused(@ForAll byte[] file) {
    read(file);
  }

  private static void read(byte[] file) {
    try {
      PictureHeader header = PictureHeader.of(file);
      assertThat(header.width()).isPositive();
      assertThat(header.height()).isPositive();
      Completeness.check(header.format(), new ByteView(file));
    } catch (PictureException e) {
      assertThat(e.reason()).isNotNull();
    }
  }

  @Property(tries = 400)
  void damagedPicturesAreDecodedOrRefused(@ForAll("damaged") byte[] file) {
    try {
      assertThat(CAREFUL.square(file, 8).pixels().rgb()).hasSize(192);
    } catch (PictureException e) {
      assertThat(e.reason()).isNotNull();
    }
  }
}

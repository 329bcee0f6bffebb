package org.talespark.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.dedup.Scenes.Scene;
import org.talespark.data.image.Pixels;

class FingerprintTest {

  private static final int DISTANCE = 8;

  @Test
  void copiesAreNearAndOtherScenesAreNot(@TempDir Path folder) throws IOException {
    List<Scene> scenes = Scenes.draw(folder.resolve("scenes"), 480, 64, 11);
    List<Fingerprint> prints = scenes.stream().map(s -> Fingerprint.of(s.pixels())).toList();
    Copies.kinds()
        .forEach(
            (kind, copy) -> {
              int found = 0;
              for (int i = 0; i < scenes.size(); i++) {
                Fingerprint print = Fingerprint.of(copy.apply(scenes.get(i).pixels()));
                found += prints.get(i).near(print, DISTANCE) ? 1 : 0;
              }
              double recall = (double) found / scenes.size();
              assertThat(recall).as(kind).isGreaterThanOrEqualTo(kind.contains("crop") ? 0.97 : 1);
            });
    for (int i = 0; i < scenes.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (prints.get(i).near(prints.get(j), DISTANCE)) {
          assertThat(scenes.get(i).shows())
              .as(scenes.get(i).id() + " and " + scenes.get(j).id())
              .isEqualTo(scenes.get(j).shows());
        }
      }
    }
  }

  @Test
  void drawingsOfAnotherColourStayApart() {
    List<Fingerprint> prints = new ArrayList<>();
    for (int[] colour : new int[][] {{220, 30, 30}, {30, 90, 30}, {60, 60, 200}, {230, 140, 30}}) {
      prints.add(Fingerprint.of(square(64, new int[] {250, 250, 250}, 20, 20, 13, colour)));
      prints.add(Fingerprint.of(square(64, colour, 0, 0, 0, colour)));
    }
    for (int i = 0; i < prints.size(); i++) {
      for (int j = 0; j < i; j++) {
        assertThat(prints.get(i).near(prints.get(j), 64)).as(i + " and " + j).isFalse();
      }
    }
  }

  /** Wherever it stands, and in whatever channel it differs, also on a gradient. */
  @Property(tries = 1000)
  void oneObjectOfAFifthOfTheSideKeepsDrawingsApart(
      @ForAll @IntRange(max = 51) int left,
      @ForAll @IntRange(max = 51) int top,
      @ForAll @IntRange(max = 2) int channel,
      @ForAll @IntRange(min = 70, max = 150) int difference,
      @ForAll @IntRange(max = 105) int ground) {
    int[] colour = {ground, ground, ground};
    int[] other = colour.clone();
    other[channel] += difference;
    byte[] without = Fingerprint.of(square(64, colour, left, top, 13, colour)).thumbnail();
    byte[] with = Fingerprint.of(square(64, colour, left, top, 13, other)).thumbnail();
    assertThat(Fingerprint.alike(with, without)).isFalse();
    assertThat(Fingerprint.alike(without, with)).isFalse();
    assertThat(Fingerprint.alike(with, with)).isTrue();
  }

  private static Pixels square(int side, int[] ground, int left, int top, int edge, int[] colour) {
    byte[] rgb = new byte[3 * side * side];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        boolean inside = x >= left && x < left + edge && y >= top && y < top + edge;
        for (int c = 0; c < 3; c++) {
          rgb[3 * (y * side + x) + c] = (byte) (inside ? colour[c] : ground[c]);
        }
      }
    }
    return new Pixels(side, side, rgb);
  }

  @Test
  void sizeAndShapeOfThePictureDoNotMatter() {
    for (int[] size : new int[][] {{1, 1}, {3, 7}, {31, 33}, {32, 32}, {100, 65}, {512, 9}}) {
      byte[] rgb = new byte[3 * size[0] * size[1]];
      Arrays.fill(rgb, (byte) 200);
      Fingerprint print = Fingerprint.of(new Pixels(size[0], size[1], rgb));
      assertThat(print.phash()).as("of one colour").isZero();
      assertThat(print.thumbnail()).containsOnly((byte) 200).hasSize(Fingerprint.THUMBNAIL_BYTES);
    }
  }

  @Test
  void theHashIsTheOneOfTheFormula() {
    int side = 32;
    byte[] rgb = new byte[3 * side * side];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) { // three frequencies: (row, column) = (0, 2), (3, 0), (5, 6)
        double value = 128 + 30 * wave(x, 2) + 30 * wave(y, 3) + 30 * wave(y, 5) * wave(x, 6);
        Arrays.fill(rgb, 3 * (y * side + x), 3 * (y * side + x) + 3, (byte) Math.round(value));
      }
    }
    long expected = 1L << 2 | 1L << (8 * 3) | 1L << (8 * 5 + 6);
    assertThat(Fingerprint.of(new Pixels(side, side, rgb)).phash()).isEqualTo(expected);
  }

  private static double wave(int position, int frequency) {
    return Math.cos(Math.PI * (2 * position + 1) * frequency / 64);
  }

  @Test
  void thumbnailsOfAnotherLengthAreRefused() {
    assertThatThrownBy(() -> Fingerprint.alike(new byte[192], new byte[3]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3 bytes, expected 192");
  }

  @Test
  void lineDrawingsOfOtherThingsStayApart() {
    Fingerprint circle = Fingerprint.of(drawing(g -> g.drawOval(20, 20, 216, 216)));
    Fingerprint smaller = Fingerprint.of(drawing(g -> g.drawOval(22, 22, 214, 214)));
    Fingerprint square = Fingerprint.of(drawing(g -> g.drawRect(20, 20, 216, 216)));
    Fingerprint cross =
        Fingerprint.of(
            drawing(
                g -> {
                  g.drawLine(20, 20, 236, 236);
                  g.drawLine(20, 236, 236, 20);
                }));
    assertThat(Fingerprint.alike(circle.thumbnail(), smaller.thumbnail())).isTrue();
    assertThat(Fingerprint.alike(circle.thumbnail(), square.thumbnail())).isFalse();
    assertThat(Fingerprint.alike(circle.thumbnail(), cross.thumbnail())).isFalse();
    assertThat(Fingerprint.alike(square.thumbnail(), cross.thumbnail())).isFalse();
  }

  /** Black lines on white, 256 pixels a side. */
  private static Pixels drawing(Consumer<Graphics2D> lines) {
    BufferedImage image = new BufferedImage(256, 256, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, 256, 256);
    graphics.setColor(Color.BLACK);
    lines.accept(graphics);
    graphics.dispose();
    byte[] rgb = new byte[3 * 256 * 256];
    for (int i = 0; i < 256 * 256; i++) {
      int pixel = image.getRGB(i % 256, i / 256);
      rgb[3 * i] = (byte) (pixel >> 16);
      rgb[3 * i + 1] = (byte) (pixel >> 8);
      rgb[3 * i + 2] = (byte) pixel;
    }
    return new Pixels(256, 256, rgb);
  }
}

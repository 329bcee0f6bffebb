package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlanknessTest {

  private static final int SIDE = 64;

  private static byte[] page(int level) {
    byte[] rgb = new byte[3 * SIDE * SIDE];
    Arrays.fill(rgb, (byte) level);
    return rgb;
  }

  private static boolean blank(byte[] rgb) {
    return Blankness.nearlyBlank(new Pixels(SIDE, SIDE, rgb));
  }

  @Test
  void pagesOfOneColourAreBlankWhateverTheColour() {
    for (int level : new int[] {0, 1, 127, 254, 255}) {
      assertThat(blank(page(level))).isTrue();
    }
    byte[] red = page(0);
    for (int i = 0; i < red.length; i += 3) {
      red[i] = (byte) 255;
    }
    assertThat(blank(red)).isTrue();
    assertThat(Blankness.nearlyBlank(new Pixels(1, 1, new byte[] {1, 90, (byte) 200}))).isTrue();
  }

  @Test
  void scannerNoiseAndDustDoNotMakeAPagePicture() {
    Random random = new Random(1);
    byte[] rgb = page(240);
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] += (byte) random.nextInt(-3, 4);
    }
    for (int i = 0; i < 12; i++) {
      Arrays.fill(rgb, 999 * i, 999 * i + 3, (byte) 0);
    }
    assertThat(blank(rgb)).isTrue();
  }

  @Test
  void aSmallDrawingOrAFaintGradientIsSomething() {
    byte[] drawing = page(255);
    for (int i = 0; i < 8 * 8; i++) {
      Arrays.fill(drawing, 3 * (i / 8 * SIDE + i % 8), 3 * (i / 8 * SIDE + i % 8) + 3, (byte) 0);
    }
    assertThat(blank(drawing)).isFalse();
    byte[] gradient = page(100);
    for (int i = 0; i < SIDE * SIDE; i++) {
      gradient[3 * i + 2] += (byte) (i / SIDE / 4);
    }
    assertThat(blank(gradient)).isFalse();
  }
}

package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The filter that works on bands and in loops of few steps, beside one that does as it says. */
class AreaFilterTest {

  private static final float[][] TO_RGB = {
    {0, 1.402f}, {-0.344136f, -0.714136f}, {1.772f, 0},
  };

  /** Rows of a plane: whole levels and fractions, some beyond black and white. */
  private static float[][] plane(int seed, int width, int height) {
    SplittableRandom random = new SplittableRandom(seed);
    float[][] plane = new float[height][width];
    for (float[] row : plane) {
      for (int x = 0; x < width; x++) {
        row[x] = (float) (random.nextDouble() * 300 - 20);
      }
    }
    return plane;
  }

  private static float weight(double from, double to, int i, int target, int at) {
    double step = (to - from) / target;
    double start = from + i * step;
    double covered = Math.min(start + step, at + 1) - Math.max(start, at);
    return (float) Math.max(0, covered / step);
  }

  /** Columns of one, then the one of all. */
  private static float mean(float[][] plane, double[] window, int x, int y, int width, int height) {
    float sum = 0;
    for (int column = (int) window[0]; column < plane[0].length; column++) {
      float weight = weight(window[0], window[2], x, width, column);
      if (weight > 0) {
        float upright = 0;
        for (int row = 0; row < plane.length; row++) {
          upright += weight(window[1], window[3], y, height, row) * plane[row][column];
        }
        sum += weight * upright;
      }
    }
    return sum;
  }

  private static byte[] plain(float[][][] planes, double[] window, int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      int x = i / 3 % width;
      int y = i / 3 / width;
      float level = mean(planes[0], window, x, y, width, height);
      if (planes.length == 3) {
        float cb = mean(planes[1], window, x, y, width, height) - 128;
        float cr = mean(planes[2], window, x, y, width, height) - 128;
        level += TO_RGB[i % 3][0] * cb + TO_RGB[i % 3][1] * cr;
      }
      rgb[i] = (byte) Math.max(0, Math.min(255, Math.rint(level)));
    }
    return rgb;
  }

  @ParameterizedTest
  @CsvSource({
    "3, 61, 44, 2, 0, 0, 61, 44, 30, 22",
    "3, 61, 44, 4, 8.5, 0, 52.5, 44, 37, 37",
    "3, 75, 75, 4, 0, 0, 75, 75, 64, 64",
    "3, 40, 90, 8, 0, 3.25, 40, 88.75, 7, 19",
    "3, 33, 20, 4, 0, 0, 33, 20, 33, 20",
    "1, 61, 44, 2, 0, 0, 61, 44, 41, 33",
    "1, 64, 64, 8, 1, 2, 63, 62, 9, 9"
  })
  void anySizesGiveTheMeansOfAreas(
      int planes,
      int columns,
      int rows,
      int band,
      double left,
      double top,
      double right,
      double bottom,
      int width,
      int height) {
    double[] window = {left, top, right, bottom};
    AreaFilter filter = new AreaFilter(columns, rows, band, window, width, height);
    float[][][] source = new float[planes][][];
    Arrays.setAll(source, i -> plane(i, columns, rows));
    float[][][] held = new float[planes][filter.ring()][columns];
    for (int y = 0; y < rows; y++) {
      for (int i = 0; i < planes; i++) {
        held[i][y % filter.ring()] = source[i][y].clone();
      }
      if ((y + 1) % band == 0 || y + 1 == rows) {
        filter.advance(held, y + 1);
      }
    }
    byte[] expected = plain(source, window, width, height);
    byte[] rgb = filter.pixels().rgb();
    int different = 0;
    for (int i = 0; i < rgb.length; i++) {
      int by = Math.abs((rgb[i] & 0xFF) - (expected[i] & 0xFF));
      assertThat(by).as("value %d", i).isLessThanOrEqualTo(1);
      different += by;
    }
    assertThat(different).isLessThanOrEqualTo(rgb.length / 500); // a level's half, rounded
  }
}

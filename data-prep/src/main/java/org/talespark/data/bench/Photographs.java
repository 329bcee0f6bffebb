package org.talespark.data.bench;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferInt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.SplittableRandom;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;

/**
 * Generated JPEGs that cost about as much to decode as photographs: fields of fractal noise, whose
 * spectrum falls with frequency as that of natural pictures does, with shapes of sharp edges over
 * them and sensor noise on top. Picture {@code i} is the same for every run.
 */
public final class Photographs {

  public static final int WIDTH = 1600;
  public static final int HEIGHT = 1200;
  private static final int QUALITY = 90;

  /** Side of the fields, which wrap around; a power of two. */
  private static final int FIELD = 2048;

  private static final int FIELDS = 4;
  private static final int OCTAVES = 9;
  private static final int SHAPES = 14;

  /** Part of the folder's name: raise it when the pictures change. */
  private static final int VERSION = 1;

  private final byte[][] fields = new byte[FIELDS][];

  private Photographs() {
    for (int i = 0; i < FIELDS; i++) {
      fields[i] = field(new SplittableRandom(1000 + i));
    }
  }

  /** Where pictures are kept between runs, below a folder for temporary files. */
  public static Path cache(Path temporary) {
    return temporary.resolve("talespark-photographs-" + VERSION);
  }

  /** The name of a picture's file. */
  static String name(int index) {
    return "%06d.jpg".formatted(index);
  }

  /**
   * Writes those of the first {@code count} pictures that the folder lacks. Each appears whole or
   * not at all.
   *
   * @return how many were written
   * @throws IOException when the folder cannot be written
   */
  public static int fill(Path folder, int count, int threads) throws IOException {
    Files.createDirectories(folder);
    int[] missing = new int[count];
    int found = 0;
    for (int i = 0; i < count; i++) {
      if (!Files.exists(folder.resolve(name(i)))) {
        missing[found] = i;
        found++;
      }
    }
    if (found > 0) {
      Photographs photographs = new Photographs();
      Threads.each(
          threads,
          found,
          (thread, at) -> {
            Path part = Files.createTempFile(folder, "photograph", ".part");
            Files.write(part, photographs.jpeg(missing[at]));
            Files.move(
                part, folder.resolve(name(missing[at])), StandardCopyOption.REPLACE_EXISTING);
          });
    }
    return found;
  }

  /** Octaves of interpolated noise, each twice as fine and weaker; values around 128. */
  private static byte[] field(SplittableRandom random) {
    float[] sum = new float[FIELD * FIELD];
    float amplitude = 46;
    for (int octave = 0; octave < OCTAVES; octave++) {
      int cells = 4 << octave;
      float[] grid = new float[cells * cells];
      for (int i = 0; i < grid.length; i++) {
        grid[i] = (float) (random.nextDouble() * 2 - 1) * amplitude;
      }
      add(sum, grid, cells);
      amplitude /= 1.6f;
    }
    byte[] field = new byte[sum.length];
    for (int i = 0; i < sum.length; i++) {
      field[i] = (byte) clamp(Math.round(sum[i] + 128));
    }
    return field;
  }

  private static void add(float[] sum, float[] grid, int cells) {
    int step = FIELD / cells;
    for (int y = 0; y < FIELD; y++) {
      int top = y / step * cells;
      int bottom = (y / step + 1) % cells * cells;
      float down = smooth((float) (y % step) / step);
      for (int x = 0; x < FIELD; x++) {
        int left = x / step;
        int right = (left + 1) % cells;
        float across = smooth((float) (x % step) / step);
        float upper = grid[top + left] + across * (grid[top + right] - grid[top + left]);
        float lower = grid[bottom + left] + across * (grid[bottom + right] - grid[bottom + left]);
        sum[y * FIELD + x] += upper + down * (lower - upper);
      }
    }
  }

  private static float smooth(float t) {
    return t * t * (3 - 2 * t);
  }

  byte[] jpeg(int index) {
    SplittableRandom random = new SplittableRandom(index);
    BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    int[] rgb = ((DataBufferInt) image.getRaster().getDataBuffer()).getData();
    paintFields(rgb, random);
    paintShapes(image, random);
    return Images.encodeJpeg(noisy(rgb, random), QUALITY);
  }

  /** Light from one field, two weaker and coarser fields for the colours. */
  private void paintFields(int[] rgb, SplittableRandom random) {
    byte[] light = fields[random.nextInt(FIELDS)];
    byte[] warmth = fields[random.nextInt(FIELDS)];
    byte[] tint = fields[random.nextInt(FIELDS)];
    int[] shift = random.ints(6, 0, FIELD).toArray();
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        int level = at(light, x + shift[0], y + shift[1]);
        int red = (at(warmth, (x >> 1) + shift[2], (y >> 1) + shift[3]) - 128) / 2;
        int blue = (at(tint, (x >> 1) + shift[4], (y >> 1) + shift[5]) - 128) / 2;
        rgb[y * WIDTH + x] =
            clamp(level + red) << 16 | clamp(level - (red + blue) / 4) << 8 | clamp(level + blue);
      }
    }
  }

  private static int at(byte[] field, int x, int y) {
    return field[(y & (FIELD - 1)) * FIELD + (x & (FIELD - 1))] & 0xFF;
  }

  private static void paintShapes(BufferedImage image, SplittableRandom random) {
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    for (int i = 0; i < SHAPES; i++) {
      g.setColor(
          new Color(random.nextInt(256), random.nextInt(256), random.nextInt(256), 90 + 10 * i));
      double x = random.nextDouble() * WIDTH;
      double y = random.nextDouble() * HEIGHT;
      double size = 40 + random.nextDouble() * 300;
      if (i % 2 == 0) {
        g.fill(new Ellipse2D.Double(x - size, y - size / 2, 2 * size, size));
      } else {
        Path2D polygon = new Path2D.Double();
        polygon.moveTo(x, y - size);
        for (int corner = 0; corner < 5; corner++) {
          polygon.lineTo(
              x + (random.nextDouble() - 0.5) * 2 * size,
              y + (random.nextDouble() - 0.5) * 2 * size);
        }
        polygon.closePath();
        g.fill(polygon);
      }
    }
    g.dispose();
  }

  private static Pixels noisy(int[] rgb, SplittableRandom random) {
    byte[] bytes = new byte[3 * rgb.length];
    for (int i = 0; i < rgb.length; i++) {
      long bits = random.nextLong();
      // the sum of four small numbers is nearly normal
      int noise = (int) ((bits & 3) + (bits >> 2 & 3) + (bits >> 4 & 3) + (bits >> 6 & 3)) - 6;
      bytes[3 * i] = (byte) clamp((rgb[i] >> 16 & 0xFF) + noise);
      bytes[3 * i + 1] = (byte) clamp((rgb[i] >> 8 & 0xFF) + noise);
      bytes[3 * i + 2] = (byte) clamp((rgb[i] & 0xFF) + noise);
    }
    return new Pixels(WIDTH, HEIGHT, bytes);
  }

  private static int clamp(int value) {
    return Math.max(0, Math.min(255, value));
  }
}

package org.talespark.data.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Coefficients read in pairs, listed or summed, beside those read one by one. */
class JpegBitsTest {

  private static final byte[] SCENERY = TestPictures.file(TestPictures.scenery(173, 131, 4), "png");

  /** What was made of a block, as far as all ways of reading it agree. */
  private record Block(int difference, List<Integer> coefficients, Long sum) {}

  /** How a scan was read: its blocks, and what ended it. */
  private record Scan(List<Block> blocks, String failure) {}

  private static final long[] WEIGHTS =
      new SplittableRandom(7).longs(64, -1L << 40, 1L << 40).toArray();

  /** Blocks in sixteen bytes. */
  private static final int MOST_IN_PADDING = 64;

  static {
    WEIGHTS[0] = 0;
  }

  private static byte[] jpeg(int quality, int restart) {
    return TestPictures.recode(
        SCENERY,
        ".jpg",
        opencv_imgcodecs.IMWRITE_JPEG_QUALITY,
        quality,
        opencv_imgcodecs.IMWRITE_JPEG_RST_INTERVAL,
        restart,
        opencv_imgcodecs.IMWRITE_JPEG_OPTIMIZE,
        quality % 2);
  }

  private static Scan read(byte[] file, boolean single) {
    List<Block> blocks = new ArrayList<>();
    try {
      ByteView view = new ByteView(file);
      JpegPlan plan = JpegPlan.of(view);
      if (plan == null) {
        return new Scan(blocks, "another kind");
      }
      JpegBits bits = new JpegBits(view, plan.scan());
      Map<JpegPairs, JpegPairs> plain = new HashMap<>();
      plan.components().forEach(c -> plain.computeIfAbsent(c.tables(), JpegPairs::single));
      for (int unit = 0; unit < plan.rows() * plan.columns(); unit++) {
        if (plan.restart() > 0 && unit > 0 && unit % plan.restart() == 0) {
          bits.restart();
        }
        for (JpegPlan.Component component : plan.components()) {
          for (int i = 0; i < component.across() * component.down(); i++) {
            JpegPairs tables = component.tables();
            blocks.add(single ? block(bits, plain.get(tables)) : any(bits, tables, blocks));
          }
        }
      }
      bits.checkNotPastEnd();
      return new Scan(blocks, null);
    } catch (PictureException e) {
      return new Scan(blocks, e.reason() + e.getMessage());
    }
  }

  private static Block block(JpegBits bits, JpegPairs tables) {
    int number = bits.block(tables);
    long sum = 0;
    for (int i = 0; i < number; i++) {
      sum += (bits.coefficients[i] >> 16) * WEIGHTS[bits.coefficients[i] & 63];
    }
    return new Block(
        bits.difference, Arrays.stream(bits.coefficients, 0, number).boxed().toList(), sum);
  }

  /** Takes turns; null stands for what the way of reading does not tell. */
  private static Block any(JpegBits bits, JpegPairs tables, List<Block> before) {
    return switch (before.size() % 3) {
      case 0 -> block(bits, tables);
      case 1 -> {
        long sum = bits.sum(tables, WEIGHTS);
        yield new Block(bits.difference, null, sum);
      }
      default -> {
        bits.skip(tables);
        yield new Block(bits.difference, null, null);
      }
    };
  }

  /** Whether a file can be read to its end. */
  private static boolean sameBothWays(byte[] file) {
    Scan single = read(file, true);
    Scan quick = read(file, false);
    assertThat(quick.failure()).isEqualTo(single.failure());
    int both = Math.min(single.blocks().size(), quick.blocks().size());
    if (single.failure() == null || single.failure().startsWith("UNDECODABLE")) {
      assertThat(quick.blocks()).hasSameSizeAs(single.blocks());
    } else { // the padding behind the end can be blocks, too
      assertThat(quick.blocks().size() + single.blocks().size() - 2 * both)
          .isLessThanOrEqualTo(MOST_IN_PADDING);
    }
    for (int i = 0; i < both; i++) {
      Block expected = single.blocks().get(i);
      Block block = quick.blocks().get(i);
      List<Integer> listed = i % 3 == 0 ? expected.coefficients() : null;
      Long sum = i % 3 == 2 ? null : expected.sum();
      assertThat(block).isEqualTo(new Block(expected.difference(), listed, sum));
    }
    return single.failure() == null;
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 30, 60, 75, 90, 95, 99, 100})
  void pairsGiveTheSameCoefficients(int quality) {
    assertThat(sameBothWays(jpeg(quality, 0))).isTrue();
    assertThat(sameBothWays(jpeg(quality, 2))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {50, 90, 100})
  void steepFirstCoefficientsAndFullBlocksAreRead(int quality) {
    BufferedImage image = new BufferedImage(160, 64, BufferedImage.TYPE_BYTE_GRAY);
    SplittableRandom random = new SplittableRandom(3);
    for (int y = 0; y < 64; y++) {
      for (int x = 0; x < 160; x++) {
        boolean white = y < 32 ? (x / 8 + y / 8) % 2 == 0 : random.nextBoolean();
        image.getRaster().setSample(x, y, 0, white ? 255 : 0);
      }
    }
    byte[] file =
        TestPictures.recode(
            TestPictures.file(image, "png"),
            ".jpg",
            opencv_imgcodecs.IMWRITE_JPEG_QUALITY,
            quality);
    assertThat(sameBothWays(file)).isTrue();
  }

  @Test
  void damageIsFoundAtTheSamePlace() {
    SplittableRandom random = new SplittableRandom(1);
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      byte[] file = jpeg(40 + i % 61, i % 3);
      int start = i % 2 == 0 ? 0 : file.length / 2;
      for (int edits = random.nextInt(4); edits >= 0; edits--) {
        file[random.nextInt(start, file.length)] = (byte) random.nextInt(256);
      }
      refused += sameBothWays(file) ? 0 : 1;
    }
    assertThat(refused).isBetween(50, 290);
  }

  @Test
  void tablesAreSharedByFilesAndKeptApartByKind() {
    JpegPlan one = JpegPlan.of(new ByteView(jpeg(80, 0)));
    JpegPlan other = JpegPlan.of(new ByteView(jpeg(60, 0)));
    assertThat(other.components().get(0).tables()).isSameAs(one.components().get(0).tables());
    assertThat(other.components().get(1).tables())
        .isSameAs(one.components().get(1).tables())
        .isNotSameAs(one.components().get(0).tables());
    byte[] table = new byte[18];
    table[1] = 2; // two codes of two bits
    table[17] = 1;
    JpegHuffman dc = JpegHuffman.of(new ByteView(table), 0, 2, true);
    JpegHuffman ac = JpegHuffman.of(new ByteView(table), 0, 2, false);
    assertThat(ac).isNotSameAs(dc).isSameAs(JpegHuffman.of(new ByteView(table), 0, 2, false));
  }
}

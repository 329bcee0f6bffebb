package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;

class AugmentTest {
  private static final int SIZE = 16;

  private static TrainConfig.Data data(boolean flip, Augment augment) {
    return new TrainConfig.Data(SIZE, flip, 1, null, null, null, null, null, augment);
  }

  private static float[] random(int length, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextDouble();
    }
    return values;
  }

  private static byte[] picture(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    new SplittableRandom(5).nextBytes(rgb);
    return Images.encodePng(new Pixels(width, height, rgb));
  }

  @Property
  void aPartLiesInsideThePictureWithAnAllowedAreaAndRatio(
      @ForAll @IntRange(min = 1, max = 2000) int width,
      @ForAll @IntRange(min = 1, max = 2000) int height,
      @ForAll @DoubleRange(min = 0.01, max = 1) double a,
      @ForAll @DoubleRange(min = 0.01, max = 1) double b,
      @ForAll @DoubleRange(min = 0.1, max = 10) double c,
      @ForAll @DoubleRange(min = 0.1, max = 10) double d,
      @ForAll long seed) {
    List<Double> scale = List.of(Math.min(a, b), Math.max(a, b));
    List<Double> ratio = List.of(Math.min(c, d), Math.max(c, d));
    RandomResizedCrop.Part part =
        new RandomResizedCrop(new Augment.Crop(scale, ratio))
            .of(width, height, new SplittableRandom(seed));
    assertThat(part.left()).isNotNegative();
    assertThat(part.top()).isNotNegative();
    assertThat(part.width()).isPositive();
    assertThat(part.height()).isPositive();
    assertThat(part.left() + part.width()).isLessThanOrEqualTo(width);
    assertThat(part.top() + part.height()).isLessThanOrEqualTo(height);
    // sides are rounded to pixels
    double least = (part.width() - 0.5) / (part.height() + 0.5);
    double most = (part.width() + 0.5) / Math.max(1e-9, part.height() - 0.5);
    if (part.width() > 1 && part.height() > 1) {
      assertThat(most).isGreaterThanOrEqualTo(ratio.get(0) - 1e-9);
      assertThat(least).isLessThanOrEqualTo(ratio.get(1) + 1e-9);
    }
    boolean fallback =
        part.left() == (width - part.width()) / 2 && part.top() == (height - part.height()) / 2;
    if (!fallback) {
      double area = (double) width * height;
      assertThat((part.width() + 0.5) * (part.height() + 0.5) / area)
          .isGreaterThanOrEqualTo(scale.get(0) - 1e-9);
      assertThat((part.width() - 0.5) * (part.height() - 0.5) / area)
          .isLessThanOrEqualTo(scale.get(1) + 1e-9);
    }
  }

  @Test
  void whenNoPartFitsTheLargestCentredOneIsTaken() {
    SplittableRandom random = new SplittableRandom(1);
    RandomResizedCrop wide =
        new RandomResizedCrop(new Augment.Crop(List.of(1.0, 1.0), List.of(4.0, 5.0)));
    assertThat(wide.of(100, 100, random)).isEqualTo(new RandomResizedCrop.Part(0, 37, 100, 25));
    RandomResizedCrop high =
        new RandomResizedCrop(new Augment.Crop(List.of(1.0, 1.0), List.of(0.1, 0.2)));
    assertThat(high.of(100, 100, random)).isEqualTo(new RandomResizedCrop.Part(40, 0, 20, 100));
  }

  @Test
  void areasAndRatiosFillTheirRanges() {
    RandomResizedCrop crop =
        new RandomResizedCrop(new Augment.Crop(List.of(0.1, 0.5), List.of(0.5, 2.0)));
    SplittableRandom random = new SplittableRandom(1);
    double area = 0;
    int wide = 0;
    int left = 0;
    for (int i = 0; i < 4000; i++) {
      RandomResizedCrop.Part part = crop.of(1000, 1000, random);
      area += part.width() * part.height() / 1e6 / 4000;
      wide += part.width() > part.height() ? 1 : 0;
      left += part.left() < (1000 - part.width()) / 2.0 ? 1 : 0;
    }
    assertThat(area).isCloseTo(0.3, within(0.02));
    assertThat(wide).isBetween(1800, 2200);
    assertThat(left).isBetween(1800, 2200);
  }

  @Property
  void coloursStayInTheirRange(
      @ForAll @DoubleRange(min = 0, max = 3) double strength,
      @ForAll @DoubleRange(min = 0, max = 0.5) double hue,
      @ForAll long seed) {
    float[] planes = random(3 * 20, seed);
    for (int i = 0; i < planes.length; i++) {
      planes[i] = 2 * planes[i] - 1;
    }
    new ColorJitter(new Augment.Color(strength, strength, strength, hue))
        .apply(planes, new SplittableRandom(seed));
    for (float value : planes) {
      assertThat(value).isBetween(-1f, 1f);
    }
  }

  @Property
  void withoutStrengthNothingChanges(@ForAll long seed) {
    float[] planes = random(3 * 10, seed);
    float[] before = planes.clone();
    new ColorJitter(new Augment.Color(null, null, null, null))
        .apply(planes, new SplittableRandom(seed));
    for (int i = 0; i < planes.length; i++) {
      assertThat(planes[i]).isCloseTo(before[i], within(1e-6f));
    }
  }

  @Test
  void changesOfColourAreTorchvisions() {
    float[] levels = {0.2f, 0.9f, 0.4f, 0.5f, 0.6f, 0.1f}; // (0.2 0.4 0.6) and (0.9 0.5 0.1)
    float[] bright = levels.clone();
    ColorJitter.brightness(bright, 1.5f);
    assertThat(bright)
        .containsExactly(new float[] {0.3f, 1, 0.6f, 0.75f, 0.9f, 0.15f}, within(1e-6f));
    float first = 0.2989f * 0.2f + 0.587f * 0.4f + 0.114f * 0.6f;
    float second = 0.2989f * 0.9f + 0.587f * 0.5f + 0.114f * 0.1f;
    float[] grey = levels.clone();
    ColorJitter.saturation(grey, 0);
    assertThat(grey)
        .containsExactly(new float[] {first, second, first, second, first, second}, within(1e-6f));
    float mean = (first + second) / 2;
    float[] flat = levels.clone();
    ColorJitter.contrast(flat, 0.5f);
    for (int i = 0; i < 6; i++) {
      assertThat(flat[i]).isCloseTo(0.5f * levels[i] + 0.5f * mean, within(1e-6f));
    }
  }

  @Test
  void aThirdOfATurnMakesRedGreen() {
    float[] levels = {1, 0.8f, 0.3f, 0, 0.2f, 0.3f, 0, 0.2f, 0.3f};
    ColorJitter.hue(levels, 1 / 3f);
    assertThat(levels)
        .containsExactly(new float[] {0, 0.2f, 0.3f, 1, 0.8f, 0.3f, 0, 0.2f, 0.3f}, within(1e-5f));
  }

  @Property
  void aHueTurnsBack(@ForAll @DoubleRange(min = -0.5, max = 0.5) double turn, @ForAll long seed) {
    float[] levels = random(3 * 10, seed);
    float[] before = levels.clone();
    ColorJitter.hue(levels, (float) turn);
    ColorJitter.hue(levels, (float) -turn);
    for (int i = 0; i < levels.length; i++) {
      assertThat(levels[i]).isCloseTo(before[i], within(1e-4f));
    }
  }

  @Test
  void aboutHalfOfThePositionsAreMirroredAndAMirrorIsExact() {
    Augmenter augmenter = new Augmenter(data(true, null), 7);
    byte[] file = picture(SIZE, SIZE);
    float[] plain = Images.decodePlanar(file, SIZE);
    assertThat(LongStream.range(0, 2000).filter(augmenter::flipped).count()).isBetween(900L, 1100L);
    for (long position = 0; position < 20; position++) {
      float[] found = augmenter.picture(file, position);
      boolean flipped = augmenter.flipped(position);
      for (int i = 0; i < plain.length; i++) {
        int column = i % SIZE;
        int from = flipped ? i - column + SIZE - 1 - column : i;
        assertThat(found[i]).isEqualTo(plain[from]);
      }
      assertThat(found)
          .isEqualTo(
              new Augmenter(data(false, new Augment(true, null, null)), 7).picture(file, position));
    }
  }

  @Test
  void aWholePictureAsThePartIsThePicture() {
    Augment whole =
        new Augment(false, new Augment.Crop(List.of(1.0, 1.0), List.of(1.0, 1.0)), null);
    byte[] file = picture(SIZE, SIZE);
    assertThat(new Augmenter(data(false, whole), 7).picture(file, 3))
        .isEqualTo(Images.decodePlanar(file, SIZE));
    byte[] twice = picture(2 * SIZE, 2 * SIZE);
    float[] halved = new Augmenter(data(false, whole), 7).picture(twice, 3);
    assertThat(halved).isEqualTo(Images.decodePlanar(twice, SIZE));
  }

  @Test
  void oneKindOfChangeDoesNotMoveAnother() {
    Augment.Crop crop = new Augment.Crop(null, null);
    Augment.Color none = new Augment.Color(0.0, 0.0, 0.0, 0.0);
    byte[] file = picture(40, 24);
    float[] cropped = new Augmenter(data(true, new Augment(null, crop, null)), 7).picture(file, 9);
    float[] both = new Augmenter(data(true, new Augment(null, crop, none)), 7).picture(file, 9);
    assertThat(cropped).hasSize(3 * SIZE * SIZE);
    for (int i = 0; i < both.length; i++) {
      assertThat(both[i]).isCloseTo(cropped[i], within(1e-6f));
    }
    assertThat(new Augmenter(data(true, new Augment(null, crop, null)), 7).picture(file, 10))
        .isNotEqualTo(cropped);
    assertThat(new Augmenter(data(true, new Augment(null, crop, null)), 8).picture(file, 9))
        .isNotEqualTo(cropped);
  }

  @Test
  void aPartIsCutWhereItIsSaid() {
    Pixels picture = new Pixels(4, 2, new byte[24]);
    for (int i = 0; i < 24; i++) {
      picture.rgb()[i] = (byte) i;
    }
    Pixels part = Images.part(picture, 1, 0, 2, 2, 2);
    assertThat(part.rgb()).isEqualTo(new byte[] {3, 4, 5, 6, 7, 8, 15, 16, 17, 18, 19, 20});
    assertThatThrownBy(() -> Images.part(picture, 3, 0, 2, 2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("left=3");
    assertThat(Images.decode(Images.encodePng(picture)).rgb()).isEqualTo(picture.rgb());
  }

  @Test
  void valuesThatCannotWorkAreRefusedByName() {
    assertThatThrownBy(() -> new Augment.Crop(List.of(0.5, 0.2), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("data.augment.crop.scale=[0.5, 0.2]");
    assertThatThrownBy(() -> new Augment.Crop(null, List.of(0.0, 1.0)))
        .hasMessageContaining("data.augment.crop.ratio");
    assertThatThrownBy(() -> new Augment.Color(-0.1, null, null, null))
        .hasMessageContaining("data.augment.color.brightness=-0.1");
    assertThatThrownBy(() -> new Augment.Color(null, null, null, 0.6))
        .hasMessageContaining("data.augment.color.hue=0.6");
    assertThat(Arrays.asList(Augment.NONE.crop(), Augment.NONE.color())).containsOnlyNulls();
  }
}

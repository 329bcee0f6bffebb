package org.talespark.zoo.io;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class HalfFloatsTest {
  @Test
  void everyHalfSurvivesWideningAndNarrowing() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      short half = (short) bits;
      float wide = HalfFloats.fromHalf(half);
      if (Float.isNaN(wide)) {
        assertThat(HalfFloats.fromHalf(HalfFloats.toHalf(wide))).isNaN();
      } else {
        assertThat(HalfFloats.toHalf(wide)).isEqualTo(half);
      }
      float widened = HalfFloats.fromBfloat16(half);
      if (Float.isNaN(widened)) {
        assertThat(HalfFloats.fromBfloat16(HalfFloats.toBfloat16(widened))).isNaN();
      } else {
        assertThat(HalfFloats.toBfloat16(widened)).isEqualTo(half);
      }
    }
  }

  @Test
  void halvesHaveTheValuesOfTheStandard() {
    assertThat(HalfFloats.fromHalf((short) 0x3c00)).isEqualTo(1f);
    assertThat(HalfFloats.fromHalf((short) 0xc000)).isEqualTo(-2f);
    assertThat(HalfFloats.fromHalf((short) 0x7bff)).isEqualTo(65504f);
    assertThat(HalfFloats.fromHalf((short) 0x0400)).isEqualTo(0x1p-14f);
    assertThat(HalfFloats.fromHalf((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(HalfFloats.fromHalf((short) 0xfc00)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(Float.floatToRawIntBits(HalfFloats.fromHalf((short) 0x8000))).isEqualTo(1 << 31);
  }

  @Test
  void tiesGoToEvenAndOverflowToInfinity() {
    assertThat(HalfFloats.toHalf(1 + 0x1p-11f)).isEqualTo((short) 0x3c00);
    assertThat(HalfFloats.toHalf(1 + 3 * 0x1p-11f)).isEqualTo((short) 0x3c02);
    assertThat(HalfFloats.toHalf(Math.nextDown(65520f))).isEqualTo((short) 0x7bff);
    assertThat(HalfFloats.toHalf(65520f)).isEqualTo((short) 0x7c00);
    assertThat(HalfFloats.toHalf(0x1p-25f)).isEqualTo((short) 0);
    assertThat(HalfFloats.toHalf(Math.nextUp(0x1p-25f))).isEqualTo((short) 1);
    assertThat(HalfFloats.toHalf(Math.nextDown(0x1p-14f))).isEqualTo((short) 0x0400);
    assertThat(HalfFloats.toBfloat16(1 + 0x1p-8f)).isEqualTo((short) 0x3f80);
    assertThat(HalfFloats.toBfloat16(1 + 3 * 0x1p-8f)).isEqualTo((short) 0x3f82);
    assertThat(HalfFloats.toBfloat16(Float.MAX_VALUE)).isEqualTo((short) 0x7f80);
  }

  @Property
  void narrowingFindsTheNearest(@ForAll float value) {
    float half = HalfFloats.fromHalf(HalfFloats.toHalf(value));
    if (Math.abs(value) < 65504f) {
      float unit = Math.max(0x1p-24f, Math.ulp(value) * (1 << 13));
      assertThat(Math.abs(half - value)).isLessThanOrEqualTo(unit / 2);
    }
    float brain = HalfFloats.fromBfloat16(HalfFloats.toBfloat16(value));
    if (Float.isFinite(brain)) {
      assertThat(Math.abs((double) brain - value))
          .isLessThanOrEqualTo(Math.ulp(value) * (double) (1 << 15));
    }
  }
}

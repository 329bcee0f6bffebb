package org.talespark.zoo.io;

import java.util.Arrays;
import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Element types of the format, in the order in which upstream declares them: files are laid out by
 * this order reversed, so that wide elements come first and stay aligned.
 *
 * <p>Types without an {@linkplain #arrayType() array type} are understood in a header (their sizes
 * are checked, their bytes can be copied) but cannot become arrays.
 */
public enum Dtype {
  BOOL(8, DataType.BOOL),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8, DataType.UINT8),
  I8(8, DataType.INT8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16, DataType.INT16),
  U16(16),
  F16(16, DataType.FLOAT16),
  BF16(16, DataType.BFLOAT16),
  I32(32, DataType.INT32),
  U32(32),
  F32(32, DataType.FLOAT),
  C64(64),
  F64(64, DataType.DOUBLE),
  I64(64, DataType.INT64),
  U64(64);

  private final int bits;
  private final Optional<DataType> arrayType;

  Dtype(int bits) {
    this.bits = bits;
    this.arrayType = Optional.empty();
  }

  Dtype(int bits, DataType arrayType) {
    this.bits = bits;
    this.arrayType = Optional.of(arrayType);
  }

  /** Bits of one element; some types pack several elements into a byte. */
  public int bits() {
    return bits;
  }

  /** The array element type with the same bytes, if there is one. */
  public Optional<DataType> arrayType() {
    return arrayType;
  }

  /** The type whose bytes an array of this element type has. */
  public static Dtype of(DataType type) {
    for (Dtype dtype : values()) {
      if (dtype.arrayType.isPresent() && dtype.arrayType.get() == type) {
        return dtype;
      }
    }
    throw new SafetensorsException(
        "Cannot store array: data_type=%s, expected one of %s; try castTo"
            .formatted(
                type, Arrays.stream(values()).flatMap(dtype -> dtype.arrayType.stream()).toList()));
  }

  static Dtype parse(String tensor, String text) {
    for (Dtype dtype : values()) {
      if (dtype.name().equals(text)) {
        return dtype;
      }
    }
    throw new SafetensorsException(
        "Cannot read safetensors header: tensor=%s dtype=%s, expected one of %s"
            .formatted(Names.quote(tensor), Names.quote(text), Arrays.toString(values())));
  }

  /**
   * Bytes of a tensor of this type; refuses sizes beyond 63 bits and elements that do not fill
   * their last byte.
   */
  long byteCount(String tensor, Iterable<Long> shape) {
    long total;
    try {
      long elements = 1;
      for (long dimension : shape) {
        if (dimension < 0) {
          throw new ArithmeticException("negative dimension");
        }
        elements = Math.multiplyExact(elements, dimension);
      }
      total = Math.multiplyExact(elements, (long) bits);
    } catch (ArithmeticException e) {
      throw new SafetensorsException(
          "Cannot size tensor: tensor=%s dtype=%s shape=%s, expected dimensions >= 0 and a size below 2^63 bits"
              .formatted(Names.quote(tensor), this, shape),
          e);
    }
    if (total % 8 != 0) {
      throw new SafetensorsException(
          "Cannot size tensor: tensor=%s dtype=%s shape=%s bits=%d, expected whole bytes"
              .formatted(Names.quote(tensor), this, shape, total));
    }
    return total / 8;
  }
}

package org.talespark.jobs.exchange;

import org.nd4j.linalg.api.buffer.DataType;

/** What an array, or a payload on its way, consists of. */
enum Element {
  FLOAT(1, Float.BYTES),
  DOUBLE(2, Double.BYTES),
  /** Floats on their way in half precision, as {@link Halves} packs them; no array has these. */
  HALF(3, Short.BYTES);

  private final int code;
  private final int bytes;

  Element(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /** Its number in a frame. */
  int code() {
    return code;
  }

  /** Bytes an element. */
  int bytes() {
    return bytes;
  }

  static Element of(DataType type) {
    if (type == DataType.FLOAT) {
      return FLOAT;
    }
    if (type == DataType.DOUBLE) {
      return DOUBLE;
    }
    throw new IllegalArgumentException(
        "Cannot exchange array: type=%s, expected FLOAT or DOUBLE; try castTo".formatted(type));
  }
}

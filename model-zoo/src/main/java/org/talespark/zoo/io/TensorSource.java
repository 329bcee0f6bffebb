package org.talespark.zoo.io;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A tensor on its way into a file: what it is, and its bytes when they are asked for. */
public interface TensorSource {
  String name();

  Dtype dtype();

  /** Dimensions, outermost first; empty for a scalar. */
  List<Long> shape();

  /**
   * Writes all elements in C order, little endian: exactly as many bytes as type and shape say. The
   * channel takes everything that it is given.
   */
  void writeTo(WritableByteChannel out) throws IOException;

  /**
   * An array under its own element type. Contiguous arrays and views are written from where they
   * are; others are first copied into C order when their turn comes.
   */
  static TensorSource of(String name, INDArray array) {
    return of(name, array, Dtype.of(array.dataType()));
  }

  /**
   * An array under another element type: its own, or F16 or BF16 for an array of floats (rounded to
   * nearest, ties to even).
   */
  static TensorSource of(String name, INDArray array, Dtype dtype) {
    return new ArraySource(name, dtype, array);
  }
}

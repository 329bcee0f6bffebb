package org.talespark.data.corpus;

import org.talespark.data.Reason;

/** A Parquet file, or part of one, that cannot be used; unchecked to pass the library's readers. */
final class DamagedParquetException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Reason reason;

  DamagedParquetException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  DamagedParquetException(String message) {
    this(Reason.UNDECODABLE, message, null);
  }

  Reason reason() {
    return reason;
  }
}

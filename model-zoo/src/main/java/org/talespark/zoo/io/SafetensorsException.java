package org.talespark.zoo.io;

/**
 * A file, a tensor or an array that the safetensors format, or its mapping to arrays, does not
 * allow. The message names the key, the value found and what was expected.
 */
public final class SafetensorsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public SafetensorsException(String message) {
    super(message);
  }

  public SafetensorsException(String message, Throwable cause) {
    super(message, cause);
  }
}

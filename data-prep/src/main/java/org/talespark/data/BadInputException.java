package org.talespark.data;

/**
 * The input data cannot be used: nothing readable in it, or a dataset that is missing, uncommitted
 * or damaged. Commands that meet it end with exit code 3.
 */
public final class BadInputException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public BadInputException(String message) {
    super(message);
  }

  public BadInputException(String message, Throwable cause) {
    super(message, cause);
  }
}

package org.talespark.data.image;

import static java.util.Objects.requireNonNull;

import org.talespark.data.Reason;

/** One picture cannot be used; {@link #reason()} says why in the closed list's words. */
public final class PictureException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Reason reason;

  public PictureException(Reason reason, String detail) {
    super(detail);
    this.reason = requireNonNull(reason, "reason");
  }

  public PictureException(Reason reason, String detail, Throwable cause) {
    super(detail, cause);
    this.reason = requireNonNull(reason, "reason");
  }

  public Reason reason() {
    return reason;
  }
}

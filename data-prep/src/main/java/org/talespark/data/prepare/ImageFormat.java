package org.talespark.data.prepare;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The format of the prepared pictures. */
public enum ImageFormat {
  PNG,
  JPG;

  /** The name in configuration files, and the extension in shards. */
  @JsonValue
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}

package org.talespark.data.image;

import java.util.Locale;

/** The picture formats that are read. */
public enum PictureFormat {
  JPEG,
  PNG,
  WEBP,
  BMP,
  GIF,
  TIFF;

  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}

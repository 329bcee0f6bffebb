package org.talespark.data.prepare;

import com.fasterxml.jackson.databind.util.StdConverter;
import java.util.Locale;

/** Writes constants in configuration files as they are read: in lower case. */
final class LowerCase extends StdConverter<Enum<?>, String> {

  @Override
  public String convert(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}

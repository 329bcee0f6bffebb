package org.talespark.zoo.io;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model in the layout of another library.
 *
 * @param classes which class loads each of its directories; {@code .} is the root
 * @param notes what somebody who loads it has to know
 */
public record ExportedModel(
    List<ExportedFile> files, Map<String, String> classes, List<String> notes) {
  public ExportedModel {
    files = List.copyOf(files);
    classes = Collections.unmodifiableMap(new LinkedHashMap<>(classes));
    notes = List.copyOf(notes);
  }
}

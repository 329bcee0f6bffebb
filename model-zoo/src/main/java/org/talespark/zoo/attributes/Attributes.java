package org.talespark.zoo.attributes;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * What a caption says of a picture.
 *
 * @param setting its name, or null where the caption names none
 * @param things in the order of the caption; no two of one kind and colour
 */
public record Attributes(String setting, List<Thing> things) {
  public Attributes {
    things = List.copyOf(things);
  }

  /**
   * Things that look alike.
   *
   * @param count how many
   */
  public record Thing(String kind, String colour, int count) {
    public Thing {
      requireNonNull(kind, "kind");
      requireNonNull(colour, "colour");
    }
  }

  /** Whether the caption names anything at all. */
  public boolean named() {
    return setting != null || !things.isEmpty();
  }

  /** The kinds of its things, each once, in order. */
  public List<String> kinds() {
    return things.stream().map(Thing::kind).distinct().toList();
  }

  /** The colour of all things of a kind, or null where they have several. */
  public String colourOf(String kind) {
    List<String> colours =
        things.stream().filter(t -> t.kind().equals(kind)).map(Thing::colour).toList();
    return colours.size() == 1 ? colours.get(0) : null;
  }
}

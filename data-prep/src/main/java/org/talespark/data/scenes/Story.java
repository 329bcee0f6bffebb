package org.talespark.data.scenes;

import java.util.List;

/** A tale over several pictures; its characters look the same on every page. */
record Story(String key, String title, List<Hero> heroes, List<Page> pages) {

  Story {
    heroes = List.copyOf(heroes);
    pages = List.copyOf(pages);
  }

  /** A named character. */
  record Hero(String name, Kind kind, Hue hue) {

    /** "the red cat". */
    String look() {
      return "the " + hue.word() + " " + kind.word();
    }
  }

  /** One page: its words and what its picture shows, heroes first. */
  record Page(String text, Scene scene, List<Hero> present) {
    Page {
      present = List.copyOf(present);
    }
  }
}

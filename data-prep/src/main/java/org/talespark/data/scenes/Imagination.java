package org.talespark.data.scenes;

import java.util.ArrayList;
import java.util.List;
import org.talespark.data.scenes.Layout.Wanted;

/** Dreams up single scenes in which every kind, colour and size is about equally common. */
final class Imagination {

  private Imagination() {}

  static Scene scene(Dice dice) {
    while (true) {
      Kind first = dice.pick(Kind.values());
      Setting setting = dice.pick(first.settings());
      int count = dice.pick(1, 1, 2, 2, 2, 3, 3);
      boolean alike = count > 1 && dice.chance(0.15);
      List<Wanted> wanted = new ArrayList<>();
      wanted.add(want(first, setting, count, dice));
      while (wanted.size() < count) {
        wanted.add(alike ? wanted.get(0) : want(companion(setting, dice), setting, count, dice));
      }
      if (!alike && confusing(wanted)) {
        continue;
      }
      return new Scene(setting, dice.below(Integer.MAX_VALUE), Layout.place(setting, wanted, dice));
    }
  }

  private static Kind companion(Setting setting, Dice dice) {
    while (true) {
      Kind kind = dice.pick(Kind.values());
      if (kind.fits(setting)) {
        return kind;
      }
    }
  }

  private static Wanted want(Kind kind, Setting setting, int count, Dice dice) {
    while (true) {
      Hue hue = dice.pick(Hue.values());
      if (setting.shows(hue)) {
        Size size =
            switch (count) {
              case 1 -> dice.pick(Size.values());
              case 2 -> dice.pick(Size.SMALL, Size.MEDIUM, Size.MEDIUM, Size.LARGE);
              default -> dice.pick(Size.SMALL, Size.SMALL, Size.MEDIUM);
            };
        return new Wanted(kind, hue, size);
      }
    }
  }

  /** Two of a kind that differ only a little would make captions ambiguous. */
  private static boolean confusing(List<Wanted> wanted) {
    return wanted.stream().map(Wanted::kind).distinct().count() < wanted.size();
  }
}

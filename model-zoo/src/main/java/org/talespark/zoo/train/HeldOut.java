package org.talespark.zoo.train;

import java.util.List;

/** The captions of all held-out samples, for metrics that put a sample beside others. */
public interface HeldOut {
  /** How many there are. */
  int size();

  /** The caption of a sample, from 0 to size - 1. */
  String caption(int sample);

  /** These captions. */
  static HeldOut of(List<String> captions) {
    List<String> copy = List.copyOf(captions);
    return new HeldOut() {
      @Override
      public int size() {
        return copy.size();
      }

      @Override
      public String caption(int sample) {
        return copy.get(sample);
      }
    };
  }
}

package org.talespark.data.prepare;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.talespark.data.dataset.Split;

/**
 * Which sample goes into which shard. Samples stand in one order, split after split; the shards of
 * a split have as many samples as one another, or one more.
 *
 * @param sections one for each split that has samples, in order
 */
record ShardPlan(List<Section> sections) implements Serializable {

  /**
   * The shards of a split.
   *
   * @param first position of its first sample
   * @param firstShard number of its first shard, counted from 0 in this run
   */
  record Section(Split split, long first, long samples, int firstShard, int shards)
      implements Serializable {

    int shardOf(long position) {
      long place = position - first; // shard i begins at floor(i * samples / shards)
      return firstShard + (int) (((place + 1) * shards - 1) / samples);
    }
  }

  ShardPlan {
    sections = List.copyOf(sections);
  }

  /** Plans for the counts of samples by split, with at most {@code most} samples a shard. */
  static ShardPlan of(Map<Split, Long> counts, int most) {
    List<Section> sections = new ArrayList<>();
    long first = 0;
    int firstShard = 0;
    for (Split split : Split.values()) {
      long samples = counts.getOrDefault(split, 0L);
      if (samples > 0) {
        int shards = Math.toIntExact((samples + most - 1) / most);
        sections.add(new Section(split, first, samples, firstShard, shards));
        first += samples;
        firstShard += shards;
      }
    }
    return new ShardPlan(sections);
  }

  int shards() {
    return sections.stream().mapToInt(Section::shards).sum();
  }

  long samples() {
    return sections.stream().mapToLong(Section::samples).sum();
  }

  /** The shard of the sample at a position below {@link #samples()}. */
  int shardOf(long position) {
    for (Section section : sections) {
      if (position < section.first() + section.samples()) {
        return section.shardOf(position);
      }
    }
    throw new IllegalArgumentException(
        "Cannot place sample: position=%d, expected below %d".formatted(position, samples()));
  }

  Split splitOf(int shard) {
    for (Section section : sections) {
      if (shard < section.firstShard() + section.shards()) {
        return section.split();
      }
    }
    throw new IllegalArgumentException(
        "Cannot name split: shard=%d, expected below %d".formatted(shard, shards()));
  }
}

package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.talespark.data.dataset.Split;

class ShardPlanTest {

  @Property(tries = 300)
  void everySampleHasAShardOfItsSplitAndShardsAreOfEqualSize(
      @ForAll @IntRange(max = 200) int train,
      @ForAll @IntRange(max = 50) int validation,
      @ForAll @IntRange(max = 50) int test,
      @ForAll @IntRange(min = 1, max = 60) int most) {
    Map<Split, Long> counts =
        Map.of(
            Split.TRAIN,
            (long) train,
            Split.VALIDATION,
            (long) validation,
            Split.TEST,
            (long) test);
    ShardPlan plan = ShardPlan.of(counts, most);
    long[] sizes = new long[plan.shards()];
    int last = 0;
    for (long position = 0; position < plan.samples(); position++) {
      int shard = plan.shardOf(position);
      assertThat(shard).isBetween(last, last + 1);
      last = shard;
      sizes[shard]++;
      Split split =
          position < train
              ? Split.TRAIN
              : position < train + validation ? Split.VALIDATION : Split.TEST;
      assertThat(plan.splitOf(shard)).isEqualTo(split);
    }
    for (ShardPlan.Section section : plan.sections()) {
      for (int i = section.firstShard(); i < section.firstShard() + section.shards(); i++) {
        long least = section.samples() / section.shards();
        assertThat(sizes[i]).isBetween(least, least + 1).isBetween(1L, (long) most);
      }
    }
  }
}

package org.talespark.zoo.train;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What held-out samples are to metrics that need all of them together, such as embeddings that are
 * ranked among each other.
 *
 * @param captions one a sample
 * @param rows by name, one row a sample, in the order of the captions
 */
public record SampleRows(List<String> captions, Map<String, float[][]> rows)
    implements Serializable {
  /** Of no samples. */
  public static final SampleRows NONE = new SampleRows(List.of(), Map.of());

  public SampleRows {
    captions = List.copyOf(captions);
    rows = new LinkedHashMap<>(rows);
    int count = captions.size();
    rows.forEach(
        (name, values) -> {
          if (values.length != count) {
            throw new IllegalArgumentException(
                "Cannot describe samples: %s=%d rows, expected one for each of %d captions"
                    .formatted(name, values.length, count));
          }
        });
  }

  /** The samples of all parts, one part behind another; parts without samples may lack names. */
  public static SampleRows joined(List<SampleRows> parts) {
    List<String> captions = new ArrayList<>();
    Map<String, List<float[]>> lists = new LinkedHashMap<>();
    for (SampleRows part : parts) {
      captions.addAll(part.captions());
      part.rows()
          .forEach(
              (name, values) ->
                  lists.computeIfAbsent(name, n -> new ArrayList<>()).addAll(List.of(values)));
    }
    Map<String, float[][]> rows = new LinkedHashMap<>();
    lists.forEach((name, values) -> rows.put(name, values.toArray(float[][]::new)));
    return new SampleRows(captions, rows);
  }

  /** The samples that were dealt out to N parts: sample i is number i / N of part i mod N. */
  public static SampleRows dealt(List<SampleRows> parts) {
    List<SampleRows> single = new ArrayList<>();
    int most = parts.stream().mapToInt(part -> part.captions().size()).max().orElse(0);
    for (int i = 0; i < most; i++) {
      for (SampleRows part : parts) {
        if (i < part.captions().size()) {
          single.add(part.sample(i));
        }
      }
    }
    return joined(single);
  }

  private SampleRows sample(int i) {
    Map<String, float[][]> row = new LinkedHashMap<>();
    rows.forEach((name, values) -> row.put(name, new float[][] {values[i]}));
    return new SampleRows(captions.subList(i, i + 1), row);
  }
}

package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The best checkpoint of a run by one metric, in {@code best.json}: {@code {"step": 2000, "psnr":
 * 27.1}}. The file follows the commits: it never names a checkpoint before it is committed, and
 * after a resume only one that the resumed run still has. Of equals the later one is the best; what
 * is not a number is never the best.
 *
 * <p>Not thread-safe.
 */
public final class BestCheckpoint {
  /** The file's name in the run directory. */
  public static final String FILE = "best.json";

  private final RunFiles files;
  private final String metric;
  private final boolean higherIsBetter;
  private Optional<Long> step = Optional.empty();
  private double value = Double.NaN;

  private BestCheckpoint(RunFiles files, String metric, boolean higherIsBetter) {
    this.files = files;
    this.metric = metric;
    this.higherIsBetter = higherIsBetter;
  }

  /**
   * Takes up where a run stands, and writes {@code best.json} anew or deletes it.
   *
   * @param upTo the step that the run goes on from; later checkpoints do not count
   * @param values the metric by step, as far as it is known besides what {@code best.json} says
   */
  public static BestCheckpoint resume(
      CheckpointStore store,
      RunFiles files,
      String metric,
      boolean higherIsBetter,
      long upTo,
      Map<Long, Double> values)
      throws IOException {
    BestCheckpoint best = new BestCheckpoint(files, metric, higherIsBetter);
    TreeMap<Long, Double> known = new TreeMap<>(values);
    Optional<JsonNode> said = json(files);
    said.ifPresent(
        json ->
            known.putIfAbsent(json.get("step").asLong(), json.path(metric).asDouble(Double.NaN)));
    for (Checkpoint checkpoint : store.committed()) {
      if (checkpoint.step() <= upTo && known.containsKey(checkpoint.step())) {
        best.take(checkpoint.step(), known.get(checkpoint.step()));
      }
    }
    best.save();
    return best;
  }

  /**
   * Tells of a checkpoint that has just been committed, and writes {@code best.json} when it is the
   * best.
   */
  public void committed(long newStep, double newValue) throws IOException {
    if (take(newStep, newValue)) {
      save();
    }
  }

  private boolean take(long newStep, double newValue) {
    boolean better =
        !Double.isNaN(newValue)
            && (Double.isNaN(value) || (higherIsBetter ? newValue >= value : newValue <= value));
    if (better) {
      step = Optional.of(newStep);
      value = newValue;
    }
    return better;
  }

  private void save() throws IOException {
    if (step.isEmpty()) {
      files.delete(FILE);
      return;
    }
    ObjectNode json = Storage.JSON.createObjectNode();
    json.put("step", step.get()).put(metric, value);
    files.write(FILE, Storage.JSON.writeValueAsBytes(json));
  }

  /** The best step so far. */
  public Optional<Long> step() {
    return step;
  }

  /** The step that {@code best.json} names; empty when there is none, or nothing to be read. */
  public static Optional<Long> read(RunFiles files) throws IOException {
    return json(files).map(json -> json.get("step").asLong());
  }

  private static Optional<JsonNode> json(RunFiles files) throws IOException {
    Optional<byte[]> bytes = files.read(FILE);
    if (bytes.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(Storage.JSON.readTree(new String(bytes.get(), UTF_8)))
          .filter(json -> json.path("step").canConvertToLong() && json.path("step").isNumber());
    } catch (JacksonException e) {
      return Optional.empty(); // not ours, or damaged: the metrics say which is the best
    }
  }
}

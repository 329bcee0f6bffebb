package org.talespark.jobs.metrics;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Tells an MLflow server of a run: name, parameters and tags when it begins, metrics as they come,
 * the outcome at the end. A thread of its own does it; what it has not delivered yet waits in a
 * queue of limited length, of which the oldest values go first. A server that is away is tried
 * again, less and less often.
 */
final class MlflowTracker implements RunTracker {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EXPERIMENT = "talespark";

  /** Limits of MLflow for one call, and of the length of a value (older servers take 500). */
  private static final int MOST_METRICS = 1000;

  private static final int MOST_PARAMETERS = 100;
  private static final int MOST_CHARACTERS = 500;

  /** The limits of one tracker. */
  record Limits(
      Duration call, Duration close, Duration firstPause, Duration longestPause, int queue) {
    static final Limits USUAL =
        new Limits(
            Duration.ofSeconds(10),
            Duration.ofSeconds(5),
            Duration.ofSeconds(1),
            Duration.ofSeconds(60),
            10_000);
  }

  private record Value(String key, double value, long step, long millis) {}

  private final MlflowClient client;
  private final Map<String, String> environment;
  private final TrackedRun run;
  private final Consumer<String> warning;
  private final Limits limits;
  private final long begun = System.currentTimeMillis();
  private final Thread thread;

  // guarded by this
  private final ArrayDeque<Value> queue = new ArrayDeque<>();
  private Outcome outcome;
  private boolean closing;
  private boolean warned;

  // of the thread alone
  private String runId;
  private final Iterator<List<Map.Entry<String, String>>> parameters;
  private List<Map.Entry<String, String>> nextParameters;
  private boolean lastTry;

  private MlflowTracker(
      MlflowClient client,
      Map<String, String> environment,
      TrackedRun run,
      Consumer<String> warning,
      Limits limits) {
    this.client = client;
    this.environment = Map.copyOf(environment);
    this.run = run;
    this.warning = warning;
    this.limits = limits;
    this.parameters = chunks(List.copyOf(run.parameters().entrySet())).iterator();
    this.thread = new Thread(this::deliver, "mlflow");
    thread.setDaemon(true);
  }

  static RunTracker of(Map<String, String> environment, TrackedRun run, Consumer<String> warning) {
    return of(environment, run, warning, Limits.USUAL);
  }

  static RunTracker of(
      Map<String, String> environment, TrackedRun run, Consumer<String> warning, Limits limits) {
    if (environment.getOrDefault("MLFLOW_TRACKING_URI", "").isBlank()) {
      return NONE;
    }
    try {
      MlflowTracker tracker =
          new MlflowTracker(
              MlflowClient.of(environment, limits.call()), environment, run, warning, limits);
      tracker.thread.start();
      return tracker;
    } catch (IllegalArgumentException e) {
      warning.accept(e.getMessage() + "; going on without it");
      return NONE;
    }
  }

  @Override
  public synchronized void metrics(long step, Map<String, Double> values) {
    long now = System.currentTimeMillis();
    values.forEach(
        (key, value) -> {
          if (value != null && Double.isFinite(value)) {
            queue.add(new Value(key, value, step, now));
          }
        });
    if (queue.size() > limits.queue()) {
      while (queue.size() > limits.queue()) {
        queue.remove();
      }
      warn("its queue is full, and the oldest values are dropped");
    }
    notifyAll();
  }

  @Override
  public synchronized void outcome(Outcome ended) {
    outcome = ended;
  }

  @Override
  public void close() {
    synchronized (this) {
      closing = true;
      notifyAll();
    }
    try {
      thread.join(limits.close().toMillis());
      if (thread.isAlive()) {
        thread.interrupt();
        warn("the end of the run is not delivered after %s".formatted(limits.close()));
      }
    } catch (InterruptedException e) {
      thread.interrupt();
      Thread.currentThread().interrupt();
    }
  }

  /** One warning, whatever happens. */
  private void warn(String what) {
    synchronized (this) {
      if (warned) {
        return;
      }
      warned = true;
    }
    warning.accept("MLflow does not get all of this run: " + what + "; going on without it");
  }

  private void deliver() {
    long pause = limits.firstPause().toMillis();
    try {
      boolean more = true;
      while (more) {
        try {
          more = deliverSome();
          pause = limits.firstPause().toMillis();
        } catch (MlflowClient.FailedException e) {
          warn(e.getMessage());
          more = rest(pause);
          pause = Math.min(2 * pause, limits.longestPause().toMillis());
        }
      }
    } catch (InterruptedException e) {
      // closed before everything was delivered, which is said there
    } catch (RuntimeException e) {
      warn(e.toString());
    }
  }

  /** Waits after a failure; false when the run is over and one more attempt has failed. */
  private synchronized boolean rest(long millis) throws InterruptedException {
    long end = System.nanoTime() + millis * 1_000_000;
    while (!closing) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return true;
      }
      wait(left);
    }
    boolean again = !lastTry;
    lastTry = true;
    return again;
  }

  /** One call; false when all is delivered and the run is over. */
  private boolean deliverSome() throws MlflowClient.FailedException, InterruptedException {
    if (runId == null) {
      runId = create();
    } else if (nextParameters != null || parameters.hasNext()) {
      if (nextParameters == null) {
        nextParameters = parameters.next();
      }
      send(batch().set("params", pairs(nextParameters)));
      nextParameters = null;
    } else {
      List<Value> values = take();
      if (values.isEmpty()) {
        update();
        return false;
      }
      try {
        send(batch().set("metrics", metrics(values)));
      } catch (MlflowClient.FailedException e) {
        giveBack(values);
        throw e;
      }
    }
    return true;
  }

  /** Sends a batch; one that the server will never take is dropped, with a warning. */
  private void send(ObjectNode batch) throws MlflowClient.FailedException, InterruptedException {
    try {
      client.logBatch(batch);
    } catch (MlflowClient.FailedException e) {
      if (e.mayPass()) {
        throw e;
      }
      warn(e.getMessage());
    }
  }

  private String create() throws MlflowClient.FailedException, InterruptedException {
    String id = environment.get("MLFLOW_EXPERIMENT_ID");
    if (id == null) {
      id = client.experiment(environment.getOrDefault("MLFLOW_EXPERIMENT_NAME", EXPERIMENT));
    }
    ObjectNode wanted =
        JSON.createObjectNode()
            .put("experiment_id", id)
            .put("run_name", run.name())
            .put("start_time", begun);
    List<Map.Entry<String, String>> tags = new ArrayList<>(run.tags().entrySet());
    tags.add(Map.entry("mlflow.runName", run.name()));
    tags.add(Map.entry("mlflow.source.name", "talespark"));
    wanted.set("tags", pairs(tags));
    return client.createRun(wanted);
  }

  private void update() throws MlflowClient.FailedException, InterruptedException {
    Outcome ended;
    synchronized (this) {
      ended = outcome == null ? Outcome.FAILED : outcome;
    }
    client.updateRun(
        JSON.createObjectNode()
            .put("run_id", runId)
            .put("status", ended.name())
            .put("end_time", System.currentTimeMillis()));
  }

  /** Waits for values; none when the run is over. */
  private synchronized List<Value> take() throws InterruptedException {
    while (queue.isEmpty() && !closing) {
      wait();
    }
    List<Value> values = new ArrayList<>();
    while (!queue.isEmpty() && values.size() < MOST_METRICS) {
      values.add(queue.remove());
    }
    return values;
  }

  private synchronized void giveBack(List<Value> values) {
    for (int i = values.size() - 1; i >= 0 && queue.size() < limits.queue(); i--) {
      queue.addFirst(values.get(i));
    }
  }

  private ObjectNode batch() {
    return JSON.createObjectNode().put("run_id", runId);
  }

  private static ArrayNode metrics(List<Value> values) {
    ArrayNode array = JSON.createArrayNode();
    for (Value value : values) {
      array
          .addObject()
          .put("key", value.key())
          .put("value", value.value())
          .put("timestamp", value.millis())
          .put("step", value.step());
    }
    return array;
  }

  private static ArrayNode pairs(List<Map.Entry<String, String>> entries) {
    ArrayNode array = JSON.createArrayNode();
    for (Map.Entry<String, String> entry : entries) {
      String value = entry.getValue();
      array
          .addObject()
          .put("key", entry.getKey())
          .put("value", value.substring(0, Math.min(MOST_CHARACTERS, value.length())));
    }
    return array;
  }

  private static List<List<Map.Entry<String, String>>> chunks(
      List<Map.Entry<String, String>> entries) {
    List<List<Map.Entry<String, String>>> chunks = new ArrayList<>();
    for (int from = 0; from < entries.size(); from += MOST_PARAMETERS) {
      chunks.add(entries.subList(from, Math.min(entries.size(), from + MOST_PARAMETERS)));
    }
    return chunks;
  }
}

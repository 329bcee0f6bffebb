package org.talespark.jobs.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MlflowTrackerTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String API = "/api/2.0/mlflow/";

  private record Call(String path, String authorization, JsonNode body) {}

  private final List<Call> calls = new CopyOnWriteArrayList<>();
  private final List<String> warnings = new CopyOnWriteArrayList<>();
  private final Map<String, String> environment = new HashMap<>();
  private final AtomicInteger failures = new AtomicInteger();
  private final CountDownLatch end = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private volatile boolean hangs;
  private volatile boolean hangsAfterTheHead;
  private volatile int status = 500;
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
    environment.put(
        "MLFLOW_TRACKING_URI", "http://127.0.0.1:" + server.getAddress().getPort() + "/");
  }

  @AfterEach
  void stop() {
    end.countDown();
    server.stop(0);
    threads.shutdownNow();
  }

  private void answer(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    String path = exchange.getRequestURI().toString();
    calls.add(
        new Call(
            path.startsWith(API) ? path.substring(API.length()) : path,
            exchange.getRequestHeaders().getFirst("Authorization"),
            JSON.readTree(body)));
    if (hangs || hangsAfterTheHead) {
      if (hangsAfterTheHead) {
        exchange.sendResponseHeaders(200, 100);
        exchange.getResponseBody().flush();
      }
      try {
        end.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      exchange.close();
      return;
    }
    if (failures.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      respond(exchange, status, "{\"error_code\":\"INTERNAL_ERROR\"}");
    } else if (path.contains("get-by-name?experiment_name=talespark")) {
      respond(exchange, 404, "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\"}");
    } else if (path.contains("get-by-name")) {
      respond(exchange, 200, "{\"experiment\":{\"experiment_id\":\"8\"}}");
    } else if (path.endsWith("experiments/create")) {
      respond(exchange, 200, "{\"experiment_id\":\"7\"}");
    } else if (path.endsWith("runs/create")) {
      respond(exchange, 200, "{\"run\":{\"info\":{\"run_id\":\"r1\"}}}");
    } else {
      respond(exchange, 200, "{}");
    }
  }

  private static void respond(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private RunTracker tracker(Map<String, String> parameters, int queue) {
    return MlflowTracker.of(
        environment,
        new TrackedRun("vqgan", parameters, Map.of("spark", "3.5.5")),
        warnings::add,
        new MlflowTracker.Limits(
            Duration.ofMillis(400),
            Duration.ofMillis(1500),
            Duration.ofMillis(20),
            Duration.ofMillis(100),
            queue));
  }

  private List<Call> calls(String path) {
    return calls.stream().filter(call -> call.path().equals(path)).toList();
  }

  private long metricsReceived() {
    return calls("runs/log-batch").stream().mapToLong(c -> c.body().path("metrics").size()).sum();
  }

  /** Far less than a wait for every value would take. */
  private static void assertQuick(long start) {
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(15));
  }

  @Test
  void aRunIsToldFromItsBeginToItsEnd() {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("train.batch", "4");
    parameters.put("long", "x".repeat(900));
    for (int i = 0; i < 150; i++) {
      parameters.put("p" + i, "v");
    }
    try (RunTracker tracker = tracker(parameters, 10_000)) {
      tracker.metrics(10, Map.of("loss", 0.5, "broken", Double.NaN));
      tracker.metrics(20, Map.of("loss", 0.25));
      tracker.outcome(RunTracker.Outcome.FINISHED);
    }
    assertThat(calls)
        .extracting(Call::path)
        .startsWith(
            "experiments/get-by-name?experiment_name=talespark",
            "experiments/create",
            "runs/create",
            "runs/log-batch",
            "runs/log-batch")
        .endsWith("runs/log-batch", "runs/update");
    JsonNode run = calls("runs/create").get(0).body();
    assertThat(run.get("experiment_id").asText()).isEqualTo("7");
    assertThat(run.get("run_name").asText()).isEqualTo("vqgan");
    assertThat(run.get("start_time").asLong()).isPositive();
    assertThat(run.get("tags").findValuesAsText("key")).contains("spark", "mlflow.runName");
    List<Call> batches = calls("runs/log-batch");
    assertThat(batches).allMatch(call -> call.body().get("run_id").asText().equals("r1"));
    assertThat(batches.get(0).body().get("params")).hasSize(100);
    assertThat(batches.get(0).body().at("/params/0/key").asText()).isEqualTo("train.batch");
    assertThat(batches.get(0).body().at("/params/1/value").asText()).hasSize(500);
    assertThat(batches.get(1).body().get("params")).hasSize(52);
    assertThat(metricsReceived()).isEqualTo(2);
    JsonNode metric = batches.get(2).body().at("/metrics/0");
    assertThat(metric.get("key").asText()).isEqualTo("loss");
    assertThat(metric.get("value").asDouble()).isEqualTo(0.5);
    assertThat(metric.get("step").asLong()).isEqualTo(10);
    assertThat(metric.get("timestamp").asLong()).isPositive();
    JsonNode update = calls("runs/update").get(0).body();
    assertThat(update.get("status").asText()).isEqualTo("FINISHED");
    assertThat(update.get("end_time").asLong()).isPositive();
    assertThat(warnings).isEmpty();
  }

  @Test
  void withoutAnOutcomeTheRunHasFailed() {
    tracker(Map.of(), 10).close();
    assertThat(calls("runs/update").get(0).body().get("status").asText()).isEqualTo("FAILED");
  }

  @Test
  void experimentAndCredentialsComeFromTheEnvironment() {
    environment.put("MLFLOW_EXPERIMENT_NAME", "my own");
    environment.put("MLFLOW_TRACKING_USERNAME", "me");
    environment.put("MLFLOW_TRACKING_PASSWORD", "secret");
    tracker(Map.of(), 10).close();
    assertThat(calls.get(0).path()).endsWith("experiment_name=my+own");
    assertThat(calls).allMatch(call -> call.authorization().equals("Basic bWU6c2VjcmV0"));
    assertThat(calls("runs/create").get(0).body().get("experiment_id").asText()).isEqualTo("8");
    calls.clear();
    environment.put("MLFLOW_TRACKING_TOKEN", "token");
    environment.put("MLFLOW_EXPERIMENT_ID", "9");
    tracker(Map.of(), 10).close();
    assertThat(calls.get(0).path()).isEqualTo("runs/create");
    assertThat(calls.get(0).body().get("experiment_id").asText()).isEqualTo("9");
    assertThat(calls).allMatch(call -> call.authorization().equals("Bearer token"));
    assertThat(warnings).isEmpty();
  }

  @Test
  void nothingIsTrackedWithoutAnAddress() {
    assertThat(MlflowTracker.of(Map.of(), new TrackedRun("a", Map.of(), Map.of()), warnings::add))
        .isSameAs(RunTracker.NONE);
    environment.put("MLFLOW_TRACKING_URI", "databricks");
    assertThat(tracker(Map.of(), 10)).isSameAs(RunTracker.NONE);
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("MLFLOW_TRACKING_URI=databricks").contains("http");
  }

  @Test
  void aServerInTroubleIsTriedAgainAndThenGetsAll() throws InterruptedException {
    failures.set(4);
    try (RunTracker tracker = tracker(Map.of("a", "b"), 10_000)) {
      for (int step = 0; step < 50; step++) {
        tracker.metrics(step, Map.of("loss", 1.0 * step));
      }
      while (metricsReceived() < 50) {
        Thread.sleep(10);
      }
      tracker.outcome(RunTracker.Outcome.FINISHED);
    }
    assertThat(calls("runs/update")).hasSize(1);
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("status=500");
  }

  @Test
  void aServerThatAlwaysFailsNeitherStopsNorSlowsTheRunAndIsReportedOnce() {
    failures.set(Integer.MAX_VALUE);
    long start = System.nanoTime();
    try (RunTracker tracker = tracker(Map.of(), 100)) {
      for (int step = 0; step < 100_000; step++) {
        tracker.metrics(step, Map.of("loss", 1.0, "other", 2.0));
      }
      tracker.outcome(RunTracker.Outcome.FINISHED);
    }
    assertQuick(start);
    assertThat(warnings).hasSize(1);
  }

  @Test
  void aBatchThatIsRefusedIsDroppedAndTheRestGoesOn() throws InterruptedException {
    environment.put("MLFLOW_EXPERIMENT_ID", "9");
    try (RunTracker tracker = tracker(Map.of(), 100)) {
      while (calls("runs/create").isEmpty()) {
        Thread.sleep(5);
      }
      status = 400;
      failures.set(1);
      tracker.metrics(1, Map.of("loss", 1.0));
      while (calls("runs/log-batch").isEmpty()) {
        Thread.sleep(5);
      }
      tracker.metrics(2, Map.of("loss", 1.0));
      tracker.outcome(RunTracker.Outcome.FINISHED);
    }
    assertThat(calls("runs/log-batch")).hasSize(2);
    assertThat(calls("runs/update")).hasSize(1);
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("status=400");
  }

  private void assertHarmless() {
    long start = System.nanoTime();
    try (RunTracker tracker = tracker(Map.of(), 100)) {
      for (int step = 0; step < 10_000; step++) {
        tracker.metrics(step, Map.of("loss", 1.0));
      }
    }
    assertQuick(start);
    assertThat(warnings).hasSize(1);
  }

  @Test
  void aServerThatHangsDoesNoHarm() {
    hangs = true;
    assertHarmless();
  }

  @Test
  void aServerThatHangsInTheMiddleOfItsAnswerDoesNoHarm() throws InterruptedException {
    hangsAfterTheHead = true;
    try (RunTracker tracker = tracker(Map.of(), 100)) {
      while (warnings.isEmpty()) {
        TimeUnit.MILLISECONDS.sleep(10);
      }
      assertThat(warnings.get(0)).contains("no answer within");
      tracker.outcome(RunTracker.Outcome.KILLED);
    }
  }

  @Test
  void aServerThatIsNotThereDoesNoHarm() {
    server.stop(0);
    assertHarmless();
  }

  @Test
  void aConfigurationBecomesParametersByDottedKey() throws IOException {
    JsonNode config =
        JSON.readTree(
            "{\"train\":{\"batch\":4,\"strategy\":\"allreduce\"},\"task\":{\"model\":{\"widths\":[1,2]},\"clip\":null}}");
    assertThat(TrackedRun.parameters(config))
        .containsExactly(
            Map.entry("train.batch", "4"),
            Map.entry("train.strategy", "allreduce"),
            Map.entry("task.model.widths", "[1,2]"),
            Map.entry("task.clip", "null"));
  }
}

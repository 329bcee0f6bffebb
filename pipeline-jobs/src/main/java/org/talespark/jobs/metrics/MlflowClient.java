package org.talespark.jobs.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Calls of MLflow's REST API (version 2.0 of its paths). Every call ends within a limit, whatever
 * the server does.
 */
final class MlflowClient {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String API = "/api/2.0/mlflow/";
  private static final int NOT_FOUND = 404;
  private static final int TOO_MANY = 429;
  private static final int SERVER_ERROR = 500;

  /** A call that failed. */
  static final class FailedException extends IOException {
    private static final long serialVersionUID = 1;

    private final int status;

    FailedException(String message, int status, Throwable cause) {
      super(message, cause);
      this.status = status;
    }

    /** Whether the same call may succeed later: the server was out of reach or in trouble. */
    boolean mayPass() {
      return status == 0 || status == TOO_MANY || status >= SERVER_ERROR;
    }
  }

  private final URI server;
  private final String authorization;
  private final Duration limit;
  private final HttpClient http;

  private MlflowClient(URI server, String authorization, Duration limit) {
    this.server = server;
    this.authorization = authorization;
    this.limit = limit;
    this.http =
        HttpClient.newBuilder()
            .connectTimeout(limit)
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build();
  }

  /**
   * A client of the server in {@code MLFLOW_TRACKING_URI}, with {@code MLFLOW_TRACKING_TOKEN}, or
   * {@code MLFLOW_TRACKING_USERNAME} and {@code MLFLOW_TRACKING_PASSWORD}.
   *
   * @param limit of each call
   * @throws IllegalArgumentException for an address that is not http or https
   */
  static MlflowClient of(Map<String, String> environment, Duration limit) {
    String address = environment.get("MLFLOW_TRACKING_URI");
    URI server;
    try {
      server = URI.create(address.strip().replaceAll("/+$", ""));
    } catch (IllegalArgumentException e) {
      throw unusable(address, e);
    }
    boolean http = "http".equals(server.getScheme()) || "https".equals(server.getScheme());
    if (!http || server.getHost() == null) {
      throw unusable(address, null);
    }
    return new MlflowClient(server, authorization(environment), limit);
  }

  private static IllegalArgumentException unusable(String address, Throwable cause) {
    return new IllegalArgumentException(
        "Cannot track with MLflow: MLFLOW_TRACKING_URI=%s, expected http:// or https:// and a server"
            .formatted(address),
        cause);
  }

  private static String authorization(Map<String, String> environment) {
    String token = environment.get("MLFLOW_TRACKING_TOKEN");
    if (token != null) {
      return "Bearer " + token;
    }
    String user = environment.get("MLFLOW_TRACKING_USERNAME");
    if (user == null) {
      return null;
    }
    String both = user + ":" + environment.getOrDefault("MLFLOW_TRACKING_PASSWORD", "");
    return "Basic " + Base64.getEncoder().encodeToString(both.getBytes(UTF_8));
  }

  /** The id of the experiment of that name, which is made when there is none. */
  String experiment(String name) throws FailedException, InterruptedException {
    try {
      return text(
          call("experiments/get-by-name?experiment_name=" + URLEncoder.encode(name, UTF_8), null),
          "/experiment/experiment_id");
    } catch (FailedException e) {
      if (e.status != NOT_FOUND) {
        throw e;
      }
      ObjectNode wanted = JSON.createObjectNode().put("name", name);
      return text(call("experiments/create", wanted), "/experiment_id");
    }
  }

  /** Makes a run and answers its id. */
  String createRun(ObjectNode run) throws FailedException, InterruptedException {
    return text(call("runs/create", run), "/run/info/run_id");
  }

  void logBatch(ObjectNode batch) throws FailedException, InterruptedException {
    call("runs/log-batch", batch);
  }

  void updateRun(ObjectNode run) throws FailedException, InterruptedException {
    call("runs/update", run);
  }

  private String text(JsonNode answer, String pointer) throws FailedException {
    String text = answer.at(pointer).asText("");
    if (text.isEmpty()) {
      throw new FailedException(
          "server=%s answered without %s".formatted(server, pointer), NOT_FOUND, null);
    }
    return text;
  }

  /** POST, or GET without a body. */
  private JsonNode call(String path, ObjectNode body) throws FailedException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server + API + path))
            .timeout(limit)
            .header("Content-Type", "application/json");
    if (authorization != null) {
      request.header("Authorization", authorization);
    }
    if (body != null) {
      request.POST(HttpRequest.BodyPublishers.ofString(body.toString()));
    }
    // the request's own limit ends with the answer's head
    CompletableFuture<HttpResponse<String>> answer =
        http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString(UTF_8));
    try {
      HttpResponse<String> response = answer.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      if (response.statusCode() / 100 != 2) {
        throw new FailedException(
            "server=%s call=%s status=%d %s"
                .formatted(server, name(path), response.statusCode(), start(response.body())),
            response.statusCode(),
            null);
      }
      return JSON.readTree(response.body());
    } catch (TimeoutException e) {
      throw new FailedException(
          "server=%s call=%s, no answer within %s".formatted(server, name(path), limit), 0, e);
    } catch (ExecutionException e) {
      throw new FailedException(
          "server=%s call=%s, %s".formatted(server, name(path), e.getCause()), 0, e.getCause());
    } catch (FailedException e) {
      throw e;
    } catch (IOException e) {
      throw new FailedException(
          "server=%s call=%s answered no JSON".formatted(server, name(path)), NOT_FOUND, e);
    } finally {
      answer.cancel(true);
    }
  }

  private static String name(String path) {
    return path.replaceFirst("\\?.*", "");
  }

  private static String start(String body) {
    String line = body.lines().findFirst().orElse("");
    return line.substring(0, Math.min(200, line.length()));
  }
}

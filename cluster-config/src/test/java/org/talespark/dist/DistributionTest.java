package org.talespark.dist;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The assembled distribution, started as a user starts it. */
class DistributionTest {

  private static final Path DIST = Path.of("target", "talespark-dist").toAbsolutePath();

  /** What a run left behind. */
  record Ended(int code, String out, String err) {}

  @TempDir Path directory;

  @Test
  void itStartsFromAnyDirectoryAndThroughALink() throws Exception {
    Path link = DIST.resolveSibling("talespark-link");
    Files.deleteIfExists(link);
    Files.createSymbolicLink(link, DIST.resolve("bin/talespark"));
    Ended ended = run(Map.of(), link.toString(), "--version");
    Files.delete(link);
    assertThat(ended.code()).as(ended.err()).isZero();
    assertThat(ended.out()).startsWith("talespark ").hasLineCount(1);
  }

  @Test
  void badUsageComesThroughSparkSubmitAsExitCodeTwo() throws Exception {
    Ended ended = run(Map.of(), launcher(), "doctr");
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
    assertThat(ended.err()).contains("did you mean doctor?").hasLineCount(1);
  }

  @Test
  void aMissingJavaIsRefusedWithARemedy() throws Exception {
    Ended ended = run(Map.of("JAVA_HOME", directory.toString()), launcher(), "--version");
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err()).contains("JDK 17");
  }

  @Test
  void theEmbeddedClusterRunsTheChecksInItsExecutors() throws Exception {
    Ended ended = run(Map.of(), launcher(), "doctor", "--json");
    assertThat(ended.code()).as(ended.err()).isZero();
    assertThat(ended.out()).hasLineCount(1);
    JsonNode result = new ObjectMapper().readTree(ended.out());
    assertThat(result.at("/status").asText()).isEqualTo("done");
    assertThat(result.at("/master").asText()).startsWith("local-cluster[2,1,");
    assertThat(result.at("/executors")).hasSize(2);
    assertThat(result.findValuesAsText("status")).doesNotContain("failed");
  }

  @Test
  void noJarIsOnTheClassPathTwiceAndSparkIsComplete() throws IOException {
    List<String> ours = jars("lib");
    List<String> spark = jars("lib/spark/jars");
    assertThat(ours).contains("talespark-jobs.jar");
    assertThat(spark).anyMatch(jar -> jar.startsWith("spark-sql_2.12-"));
    assertThat(spark).contains("scala-library-2.12.18.jar");
    assertThat(ours).noneMatch(jar -> jar.matches("(spark|scala|hadoop|netty|slf4j|junit).*"));
    // ND4J carries copies of Guava and Jackson under names and packages of its own
    List<String> shaded = List.of("guava-1.0.0-M2.1.jar", "jackson-1.0.0-M2.1.jar");
    assertThat(
            Stream.concat(ours.stream(), spark.stream())
                .filter(jar -> !shaded.contains(jar))
                .map(
                    jar ->
                        jar.replaceFirst("-\\d[^-]*(-M\\d[.\\d]*|-SNAPSHOT|-\\d[.\\d]*|-GA)?", "")))
        .doesNotHaveDuplicates();
  }

  private static List<String> jars(String folder) throws IOException {
    try (Stream<Path> files = Files.list(DIST.resolve(folder))) {
      return files.map(f -> f.getFileName().toString()).filter(f -> f.endsWith(".jar")).toList();
    }
  }

  private static String launcher() {
    return DIST.resolve("bin/talespark").toString();
  }

  private Ended run(Map<String, String> environment, String... command) throws Exception {
    Path out = directory.resolve("out.txt");
    Path err = directory.resolve("err.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("SPARK_"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    process.getOutputStream().close();
    try {
      assertThat(process.waitFor(300, TimeUnit.SECONDS)).as("ended in time").isTrue();
    } finally {
      process.destroyForcibly();
    }
    return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }
}

package org.talespark.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SessionsTest {
  private static final ClusterConfig CONFIG = ClusterConfig.ofMemory(2000);

  private static Master master(String url) {
    return Master.parse(Optional.of(url));
  }

  @Test
  void theDefaultMasterFitsTheMachine() {
    assertThat(Sessions.defaultMaster(2, 16L << 30)).isEqualTo("local-cluster[2,1,4915]");
    assertThat(Sessions.defaultMaster(1, 1L << 30)).isEqualTo("local-cluster[2,1,1024]");
    assertThat(Sessions.defaultMaster(64, 256L << 30)).isEqualTo("local-cluster[8,1,19660]");
    assertThat(Sessions.defaultConfig("local-cluster[2,1,4000]"))
        .isEqualTo(new ClusterConfig(1000, 3000, 600, Map.of()));
  }

  @Test
  void anEmbeddedClusterGetsClassPathLoopbackAndLimits(@TempDir Path home) {
    SparkConf conf =
        Sessions.configure(
            new SparkConf(false),
            master("local-cluster[2, 1, 2000]"),
            CONFIG,
            Optional.of(home.toString()));
    assertThat(conf.get("spark.master")).isEqualTo("local-cluster[2,1,2000]");
    assertThat(conf.get("spark.executor.extraClassPath"))
        .isEqualTo(System.getProperty("java.class.path"));
    assertThat(conf.get("spark.driver.bindAddress")).isEqualTo("127.0.0.1");
    assertThat(conf.get("spark.barrier.sync.timeout")).isEqualTo("600");
    assertThat(conf.get("spark.executor.memory")).isEqualTo("512m");
    assertThat(conf.get("spark.executor.extraJavaOptions"))
        .startsWith(
            "-Dorg.bytedeco.javacpp.maxbytes=1488m -Dorg.bytedeco.javacpp.maxphysicalbytes=3024m ");
    assertThat(home.resolve("jars")).isDirectory();
  }

  @Test
  void whatTheUserSetStays() {
    SparkConf user =
        new SparkConf(false)
            .set("spark.executor.extraJavaOptions", "-Dmine=1 -Dorg.bytedeco.javacpp.maxbytes=9g")
            .set("spark.executor.memory", "3g")
            .set("spark.dynamicAllocation.enabled", "true");
    ClusterConfig config = CONFIG.withSettings(Map.of("spark.barrier.sync.timeout", "5"));
    SparkConf conf =
        Sessions.configure(user, master("spark://host:7077"), config, Optional.empty());
    assertThat(conf.get("spark.executor.extraJavaOptions"))
        .isEqualTo(
            "-Dmine=1 -Dorg.bytedeco.javacpp.maxbytes=9g -Dorg.bytedeco.javacpp.maxphysicalbytes=3024m -XX:+UseParallelGC");
    assertThat(conf.get("spark.executor.memory")).isEqualTo("3g");
    assertThat(conf.get("spark.barrier.sync.timeout")).isEqualTo("5");
    assertThat(conf.get("spark.dynamicAllocation.enabled")).isEqualTo("false");
    assertThat(conf.contains("spark.executor.extraClassPath")).isFalse();
  }

  @Test
  void executorsCollectForThroughputUnlessAnotherCollectorIsAskedFor() {
    assertThat(executorOptions(Map.of())).endsWith(" -XX:+UseParallelGC");
    assertThat(executorOptions(Map.of("extraJavaOptions", "-XX:+UseGCOverheadLimit")))
        .startsWith("-XX:+UseGCOverheadLimit ")
        .endsWith(" -XX:+UseParallelGC");
    for (String collector : List.of("-XX:+UseG1GC", "-XX:+UseZGC", "-XX:+UseSerialGC")) {
      assertThat(executorOptions(Map.of("extraJavaOptions", "-Da=b " + collector)))
          .contains(collector)
          .doesNotContain("Parallel");
      assertThat(executorOptions(Map.of("defaultJavaOptions", collector))).doesNotContain("-XX");
    }
  }

  private static String executorOptions(Map<String, String> set) {
    SparkConf conf = new SparkConf(false);
    set.forEach((key, value) -> conf.set("spark.executor." + key, value));
    return Sessions.configure(conf, master("spark://host:7077"), CONFIG, Optional.empty())
        .get("spark.executor.extraJavaOptions");
  }

  @Test
  void withoutAMasterTheOneOfSparkSubmitIsTaken() {
    Master none = Master.parse(Optional.empty());
    SparkConf submitted = new SparkConf(false).set("spark.master", "yarn");
    assertThat(Sessions.configure(submitted, none, CONFIG, Optional.empty()).get("spark.master"))
        .isEqualTo("yarn");
    assertThatThrownBy(
            () -> Sessions.configure(new SparkConf(false), none, CONFIG, Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--master");
  }

  @Test
  void whatCannotWorkIsRefusedWithARemedy(@TempDir Path home) throws Exception {
    assertThatThrownBy(() -> master("local-cluster[2]"))
        .hasMessageContaining("local-cluster[2,1,3000]");
    assertThatThrownBy(
            () ->
                Sessions.configure(
                    new SparkConf(false),
                    master("local-cluster[2,1,2000]"),
                    CONFIG,
                    Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("SPARK_HOME");
    Path file = Files.createFile(home.resolve("file"));
    assertThatThrownBy(
            () ->
                Sessions.configure(
                    new SparkConf(false),
                    master("local-cluster[2,1,2000]"),
                    CONFIG,
                    Optional.of(file.toString())))
        .hasMessageContaining("writable");
    assertThatThrownBy(
            () ->
                Sessions.configure(
                    new SparkConf(false),
                    master("local-cluster[2,1,500]"),
                    CONFIG,
                    Optional.of(home.toString())))
        .hasMessageContaining("executor_heap_mb=512");
    assertThatThrownBy(() -> CONFIG.withSettings(Map.of("executor.memory", "1g")))
        .hasMessageContaining("spark.");
  }
}

package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.talespark.jobs.config.ConfigTree;

class ExchangeConfigTest {
  /** A configuration with such a section. */
  record Job(ExchangeConfig exchange) {}

  private static ExchangeConfig bound(String yaml) {
    return ConfigTree.builder().yaml("test", yaml).build().bind(Job.class).exchange();
  }

  @Test
  void everyDefaultIsAsDocumented() {
    ExchangeConfig expected =
        new ExchangeConfig(120, 0, 16, null, ExchangeConfig.Wire.FULL, 262_144, null);
    assertThat(ExchangeConfig.defaults()).isEqualTo(expected);
    assertThat(bound("exchange: {}")).isEqualTo(expected);
    assertThat(bound("exchange: {timeout_seconds: null, host: null, wire: null}"))
        .isEqualTo(expected);
    assertThat(expected.smallBytes(2)).isEqualTo(65_536);
    assertThat(expected.smallBytes(1000)).isEqualTo(4 << 20);
    assertThat(expected.withSizes(64, 8).smallBytes(1000)).isEqualTo(8);
  }

  @Test
  void aSectionBindsAndGoesRoundAsYaml() {
    ExchangeConfig config =
        bound(
            "exchange: {timeout_seconds: 9, port: 7400, ports: 4, host: 10.0.0.7, wire: half, chunk_bytes: 1024, small_bytes: 0}");
    assertThat(config)
        .isEqualTo(new ExchangeConfig(9, 7400, 4, "10.0.0.7", ExchangeConfig.Wire.HALF, 1024, 0));
    String yaml = ConfigTree.toYaml(new Job(config));
    assertThat(yaml).contains("wire: half");
    assertThat(bound(yaml)).isEqualTo(config);
    assertThatThrownBy(() -> bound("exchange: {wires: half}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("exchange.wire");
    assertThatThrownBy(() -> bound("exchange: {wire: quarter}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("exchange.wire");
  }

  @Test
  void everySettingIsChecked() {
    ExchangeConfig good = ExchangeConfig.defaults();
    assertThatThrownBy(() -> good.withTimeoutSeconds(0)).hasMessageContaining("timeout_seconds=0");
    assertThatThrownBy(() -> good.withSizes(100, 0)).hasMessageContaining("chunk_bytes=100");
    assertThatThrownBy(() -> good.withSizes(1024, -1)).hasMessageContaining("small_bytes=-1");
    assertThatThrownBy(() -> good.withPorts(70_000, 1)).hasMessageContaining("port=70000");
    assertThatThrownBy(() -> good.withPorts(65_530, 16)).hasMessageContaining("ports=16");
    assertThatThrownBy(() -> bound("exchange: {host: 'not a host'}"))
        .hasMessageContaining("not a host");
  }
}

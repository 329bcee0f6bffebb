package org.talespark.jobs.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetAddress;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.talespark.jobs.config.ConfigTree;

class SharingConfigTest {
  private static final String DEFAULTS =
      """
      threshold: 0.001
      min_sparsity: 1.0E-4
      max_sparsity: 0.01
      decay: 0.9659363289248456
      residual_clip: 5.0
      clip_every: 5
      port: 20123
      host: null
      network_mask: null
      timeout_seconds: 60
      max_updates_behind: 4
      """;

  @Test
  void defaultsAreTheWrittenOnes() {
    assertThat(bind(DEFAULTS)).isEqualTo(SharingConfig.defaults());
  }

  @Test
  void whatIsAbsentHasItsDefault() {
    assertThat(bind("max_updates_behind: 0"))
        .isEqualTo(SharingConfig.defaults().withMaxUpdatesBehind(0));
  }

  static Stream<String> badSettings() {
    return Stream.of(
        "threshold: 0",
        "threshold: 1.0E30",
        "min_sparsity: 0",
        "max_sparsity: 1.0E-5",
        "decay: 1.5",
        "residual_clip: 0.5",
        "clip_every: 0",
        "port: 80",
        "host: \"\"",
        "network_mask: 10.0.0.0",
        "network_mask: 300.0.0.0/8",
        "network_mask: 10.0.0.0/33",
        "network_mask: example.org/8",
        "timeout_seconds: 0",
        "max_updates_behind: -1");
  }

  @ParameterizedTest
  @MethodSource("badSettings")
  void badSettingsAreRefusedWithTheirKey(String setting) {
    String key = setting.substring(0, setting.indexOf(':'));
    String yaml = DEFAULTS.replaceAll("(?m)^" + key + ":.*$", setting);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> bind(yaml))
        .withStackTraceContaining("gradient_sharing." + key + "=");
  }

  @Test
  void eachWorkerHasAPortOfItsOwn() {
    SharingConfig config = SharingConfig.defaults().withPort(65_533, 1);

    assertThat(config.portOf(0)).isEqualTo(65_534);
    assertThat(config.portOf(1)).isEqualTo(65_535);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> config.portOf(2))
        .withMessageContaining("gradient_sharing.port=65533");
  }

  @Test
  void onlyPrivateAddressesOfThisMachineAreTaken() throws Exception {
    assertThat(PrivateAddress.find("127.0.0.1", null)).isEqualTo("127.0.0.1");
    assertThat(PrivateAddress.find("ignored", "127.0.0.0/8")).isEqualTo("127.0.0.1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PrivateAddress.find("203.0.113.1", null))
        .withMessageContaining("host=203.0.113.1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PrivateAddress.find("127.0.0.1", "198.51.100.0/24"))
        .withMessageContaining("network_mask=198.51.100.0/24");
    for (String open : new String[] {"8.8.8.8", "172.32.0.1", "100.128.0.1"}) {
      assertThat(PrivateAddress.isPrivate(InetAddress.getByName(open))).as(open).isFalse();
    }
    for (String closed : new String[] {"10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1"}) {
      assertThat(PrivateAddress.isPrivateNumber(closed)).as(closed).isTrue();
    }
    assertThat(PrivateAddress.isPrivateNumber("localhost")).isFalse();
  }

  private static SharingConfig bind(String yaml) {
    return ConfigTree.builder().yaml("test", yaml).build().bind(SharingConfig.class);
  }
}

package org.talespark.jobs.exchange;

import java.util.List;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.crypto.AuthServerBootstrap;
import org.apache.spark.network.sasl.SecretKeyHolder;
import org.apache.spark.network.server.TransportServerBootstrap;
import org.apache.spark.network.util.TransportConf;

/**
 * Who may connect: anybody who can reach the port and knows the run id, or only holders of the
 * application's secret.
 */
sealed interface Security {
  List<TransportServerBootstrap> server(TransportConf conf);

  List<TransportClientBootstrap> client(TransportConf conf);

  /** As with {@code spark.authenticate=false}. */
  record Open() implements Security {
    @Override
    public List<TransportServerBootstrap> server(TransportConf conf) {
      return List.of();
    }

    @Override
    public List<TransportClientBootstrap> client(TransportConf conf) {
      return List.of();
    }
  }

  /**
   * As with {@code spark.authenticate=true}; encrypted when the transport's {@code
   * spark.network.crypto.enabled} says so.
   *
   * @param application the application id, by which the holder finds the secret
   */
  record Secret(String application, SecretKeyHolder holder) implements Security {
    @Override
    public List<TransportServerBootstrap> server(TransportConf conf) {
      return List.of(new AuthServerBootstrap(conf, holder));
    }

    @Override
    public List<TransportClientBootstrap> client(TransportConf conf) {
      return List.of(new AuthClientBootstrap(conf, application, holder));
    }
  }

  /** One secret for everybody. */
  record Key(String secret) implements SecretKeyHolder {
    @Override
    public String getSaslUser(String application) {
      return application;
    }

    @Override
    public String getSecretKey(String application) {
      return secret;
    }

    @Override
    public String toString() {
      return "Key"; // the secret must not get into logs
    }
  }
}

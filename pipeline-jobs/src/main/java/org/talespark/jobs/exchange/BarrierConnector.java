package org.talespark.jobs.exchange;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.netty.SparkTransportConf;
import org.apache.spark.network.util.TransportConf;
import scala.Option;

/** Lets the tasks of a barrier stage find each other. */
final class BarrierConnector {
  /** Settings of the connections are {@code spark.talespark.io.*}. */
  private static final String MODULE = "talespark";

  /** One for each direction of the ring. */
  private static final int NETWORK_THREADS = 2;

  private static final String EVERY_ADDRESS = "0.0.0.0";

  private BarrierConnector() {}

  static RingExchange connect(BarrierTaskContext context, SparkConf conf, ExchangeConfig config) {
    SparkEnv env = SparkEnv.get();
    SparkConf limited =
        conf.clone()
            .setIfMissing(
                "spark." + MODULE + ".io.connectionCreationTimeout", config.timeoutSeconds() + "s");
    TransportConf transport =
        SparkTransportConf.fromSparkConf(limited, MODULE, NETWORK_THREADS, Option.empty());
    String host =
        config.host() == null ? env.blockManager().blockManagerId().host() : config.host();
    int workers = context.getTaskInfos().length;
    Mesh mesh =
        Mesh.bind(
            transport, security(env, conf), localAddress(host), config.port(), config.ports());
    try {
      String mine = mesh.port() + " " + UUID.randomUUID() + " " + host;
      String[] all = context.allGather(mine);
      if (all.length != workers) {
        throw new ExchangeException(
            "Cannot join the run: %d workers answered, expected %d".formatted(all.length, workers),
            ExchangeException.NOBODY);
      }
      List<InetSocketAddress> addresses = new ArrayList<>();
      for (String one : all) {
        String[] fields = one.split(" ", 3);
        addresses.add(InetSocketAddress.createUnresolved(fields[2], Integer.parseInt(fields[0])));
      }
      UUID run = UUID.fromString(all[0].split(" ", 3)[1]); // that of rank 0 serves everybody
      return RingExchange.join(mesh, run, context.partitionId(), addresses, config);
    } catch (RuntimeException e) {
      mesh.close();
      throw e;
    }
  }

  /**
   * The application's own keys where it has some; a configuration that asks for authentication in
   * an application without has its own secret.
   */
  private static Security security(SparkEnv env, SparkConf conf) {
    if (env.securityManager().isAuthenticationEnabled()) {
      return new Security.Secret(conf.getAppId(), env.securityManager());
    }
    return conf.getBoolean("spark.authenticate", false)
        ? new Security.Secret(
            conf.getAppId(), new Security.Key(conf.get("spark.authenticate.secret")))
        : new Security.Open();
  }

  /**
   * The advertised address where this machine has it; behind address translation it has not, and
   * listens on all.
   */
  private static String localAddress(String host) {
    try {
      InetAddress address = InetAddress.getByName(host);
      boolean local = NetworkInterface.getByInetAddress(address) != null;
      return local ? address.getHostAddress() : EVERY_ADDRESS;
    } catch (IOException e) {
      return EVERY_ADDRESS;
    }
  }
}

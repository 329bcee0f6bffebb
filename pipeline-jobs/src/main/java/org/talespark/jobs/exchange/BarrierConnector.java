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
    TransportConf transport =
        SparkTransportConf.fromSparkConf(conf, MODULE, NETWORK_THREADS, Option.empty());
    Security security =
        env.securityManager().isAuthenticationEnabled()
            ? new Security.Secret(conf.getAppId(), env.securityManager())
            : new Security.Open();
    String host = env.blockManager().blockManagerId().host();
    int workers = context.getTaskInfos().length;
    Mesh mesh = Mesh.bind(transport, security, localAddress(host), config.port(), workers);
    try {
      String mine = mesh.port() + " " + UUID.randomUUID() + " " + host;
      String[] all = context.allGather(mine);
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
   * The executor's own address where this machine has it; behind address translation it has not,
   * and listens on all.
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

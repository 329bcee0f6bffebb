package org.talespark.jobs.sharing;

import java.security.SecureRandom;
import java.util.List;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The root of the mesh, in the driver: it greets the workers and relays their updates, and does not
 * train. One for each attempt at a barrier stage: close it before the next is started.
 */
public final class ParameterServerRoot implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ParameterServerRoot.class);

  private final Rendezvous rendezvous;
  private final Node node;

  private ParameterServerRoot(Rendezvous rendezvous, Node node) {
    this.rendezvous = rendezvous;
    this.node = node;
  }

  /**
   * Starts to listen.
   *
   * @param driverHost name or number of this machine, as the executors reach it ({@code
   *     spark.driver.host}); the settings' host and network go before it
   * @throws IllegalArgumentException when there is no private address
   * @throws SharingException when the port is taken
   */
  public static ParameterServerRoot start(SharingConfig config, String driverHost, int workers) {
    config.portOf(workers - 1);
    String host =
        PrivateAddress.find(
            config.host() == null ? driverHost : config.host(),
            config.host() == null ? config.networkMask() : null);
    Rendezvous rendezvous =
        new Rendezvous(host, config.port(), workers, new SecureRandom().nextLong());
    LOG.warn(
        "gradient-sharing: the parameter server on {}:{} to {} takes Java objects over UDP, neither"
            + " authenticated nor encrypted. Only classes of its own messages are let in, but whoever"
            + " reaches these ports can disturb or change the training. Keep them inside a trusted"
            + " network; allreduce and local-sgd do without",
        host,
        config.port(),
        config.portOf(workers - 1));
    Node node =
        Node.start(
            config,
            rendezvous,
            workers,
            host,
            config.port(),
            workersOf(config, workers),
            message -> {});
    return new ParameterServerRoot(rendezvous, node);
  }

  /** Takes ids with a private address and a port of a worker. */
  private static Predicate<String> workersOf(SharingConfig config, int workers) {
    String prefix = GuardedTransport.idOf("", 0).replace(":0", "");
    return id -> {
      int colon = id.lastIndexOf(':');
      if (!id.startsWith(prefix) || colon < prefix.length()) {
        return false;
      }
      String port = id.substring(colon + 1);
      return PrivateAddress.isPrivateNumber(id.substring(prefix.length(), colon))
          && port.matches("[0-9]{1,5}")
          && Integer.parseInt(port) > config.port()
          && Integer.parseInt(port) <= config.portOf(workers - 1);
    };
  }

  /** What the tasks need to join. */
  public Rendezvous rendezvous() {
    return rendezvous;
  }

  /** Workers that have not been heard yet. */
  public List<Integer> missing() {
    return node.peers().missing();
  }

  /** Messages that were not taken: from strangers, or of classes that do not belong. */
  public long refused() {
    return node.refused();
  }

  /** Ends all threads and frees the port. */
  @Override
  public void close() {
    node.close();
  }
}

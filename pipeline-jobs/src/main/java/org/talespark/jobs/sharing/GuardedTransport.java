package org.talespark.jobs.sharing;

import io.aeron.FragmentAssembler;
import io.aeron.Publication;
import io.aeron.logbuffer.Header;
import java.io.IOException;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.SleepingMillisIdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;
import org.nd4j.common.util.SerializationUtils;
import org.nd4j.parameterserver.distributed.conf.VoidConfiguration;
import org.nd4j.parameterserver.distributed.v2.chunks.VoidChunk;
import org.nd4j.parameterserver.distributed.v2.enums.PropagationMode;
import org.nd4j.parameterserver.distributed.v2.messages.INDArrayMessage;
import org.nd4j.parameterserver.distributed.v2.messages.RequestMessage;
import org.nd4j.parameterserver.distributed.v2.messages.ResponseMessage;
import org.nd4j.parameterserver.distributed.v2.messages.VoidMessage;
import org.nd4j.parameterserver.distributed.v2.transport.impl.AeronUdpTransport;
import org.nd4j.parameterserver.distributed.v2.util.MeshOrganizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The library's transport over Aeron, with what it lacks: messages are read through a filter and
 * only from known nodes, they are handled in the order of their arrival, every wait has a limit,
 * and its threads end. What stays is the mesh: handshake, tree, relaying, forms of messages.
 *
 * <p>Two threads: one polls Aeron and reads messages, one handles and relays them.
 */
final class GuardedTransport extends AeronUdpTransport {
  private static final Logger LOG = LoggerFactory.getLogger(GuardedTransport.class);
  private static final int FRAGMENTS_A_POLL = 64;
  private static final long OFFER_PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(50);
  private static final long CLOSE_SECONDS = 3;
  private static final int MAX_REFUSALS_LOGGED = 10;

  private final Predicate<String> known;
  private final long limitNanos;
  private final Consumer<Throwable> failed;
  private final boolean isRoot;
  private final AeronNode node;
  private final Set<String> givenUp = ConcurrentHashMap.newKeySet();
  private final BlockingQueue<VoidMessage> arrived = new LinkedBlockingQueue<>();
  private final LongAdder bytesSent = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private volatile boolean closing;

  private GuardedTransport(
      String host,
      int port,
      Rendezvous root,
      VoidConfiguration configuration,
      Predicate<String> known,
      long limitNanos,
      Consumer<Throwable> failed) {
    super(host, port, root.host(), root.port(), configuration);
    this.known = known;
    this.limitNanos = limitNanos;
    this.failed = failed;
    this.isRoot = id().equals(getRootId());
    // the library's own driver and client cannot be given settings: exchange them for others
    aeron.close();
    AeronNode.close(driver);
    this.node = AeronNode.start(failed::accept);
    this.aeron = node.aeron();
    this.driver = node.driver();
    this.splitter = new BoundedSplitter();
  }

  /**
   * Starts Aeron, but neither listens nor connects.
   *
   * @param known which ids of nodes messages are taken from
   * @param limitNanos how long one message may wait for its receiver
   * @param failed gets what ends this node
   */
  static GuardedTransport create(
      String host,
      int port,
      Rendezvous root,
      VoidConfiguration configuration,
      Predicate<String> known,
      long limitNanos,
      Consumer<Throwable> failed) {
    AeronNode.prepareProperties();
    return new GuardedTransport(host, port, root, configuration, known, limitNanos, failed);
  }

  /** The name of a node in the mesh. */
  static String idOf(String host, int port) {
    return "aeron:udp?endpoint=" + host + ":" + port;
  }

  /** Bytes handed to Aeron so far, relayed ones included. */
  long bytesSent() {
    return bytesSent.sum();
  }

  /** Messages that were not taken. */
  long refused() {
    return refused.sum();
  }

  @Override
  public synchronized void launch() {
    super.launch();
    // its threads have nothing to do here; one of them would take slow nodes out of the mesh
    executorService.shutdownNow();
  }

  @Override
  protected void createSubscription() {
    ownSubscription = aeron.addSubscription(id(), voidConfiguration.getStreamId());
    messageHandler = new FragmentAssembler(this::jointMessageHandler);
    messagesExecutorService.execute(this::poll);
    messagesExecutorService.execute(this::handle);
  }

  private void poll() {
    SleepingMillisIdleStrategy idle = new SleepingMillisIdleStrategy(1);
    try {
      while (!closing) {
        int fragments = ownSubscription.poll(messageHandler, FRAGMENTS_A_POLL);
        if (fragments == 0) {
          idle.idle();
        }
      }
    } catch (RuntimeException e) {
      fail(e);
    }
  }

  private void handle() {
    try {
      while (!closing) {
        VoidMessage message = arrived.take();
        try {
          addConnection(message.getOriginatorId());
          internalProcessMessage(message);
        } catch (RuntimeException e) {
          refuse(message.getOriginatorId(), e.getMessage());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closing
    }
  }

  private void fail(RuntimeException e) {
    if (!closing) {
      failed.accept(e);
    }
  }

  private void refuse(String sender, String why) {
    refused.increment();
    if (refused.sum() <= MAX_REFUSALS_LOGGED) {
      LOG.warn("Refused a message of {}: {}", sender, why);
    }
  }

  @Override
  protected void jointMessageHandler(DirectBuffer buffer, int offset, int length, Header header) {
    byte[] bytes = new byte[length];
    buffer.getBytes(offset, bytes);
    try {
      VoidMessage message = MessageReader.read(bytes);
      String sender = message.getOriginatorId();
      if (sender != null && known.test(sender)) {
        arrived.add(message);
      } else {
        refuse("a stranger", "unknown sender");
      }
    } catch (IOException e) {
      refuse("a stranger", e.getMessage());
    }
  }

  @Override
  public void processMessage(VoidMessage message) {
    arrived.add(message);
  }

  @Override
  protected void internalProcessMessage(VoidMessage message) {
    super.internalProcessMessage(message);
    if (message instanceof INDArrayMessage update) {
      update.getPayload().data().close(); // copied and relayed by now
    }
  }

  @Override
  protected void propagateArrayMessage(INDArrayMessage message, PropagationMode mode)
      throws IOException {
    redirectedPropagateArrayMessage(message); // in the caller's thread, so that order stays
  }

  @Override
  public void onMeshUpdate(MeshOrganizer mesh) {
    // a node speaks to its neighbours in the tree only
    mesh.getDownstreamsForNode(id()).forEach(neighbour -> addConnection(neighbour.getId()));
    numerOfNodes.set(Math.toIntExact(mesh.totalNodes()));
  }

  @Override
  protected void addConnection(String to) {
    if (remoteConnections.containsKey(to) || to.equals(id())) {
      return;
    }
    Publication publication = aeron.addPublication(to, voidConfiguration.getStreamId());
    long started = System.nanoTime();
    while (!publication.isConnected()) {
      if (closing || System.nanoTime() - started > limitNanos) {
        publication.close();
        throw new SharingException(
            "Cannot connect: node=%s, expected an answer within %.1f s"
                .formatted(to, limitNanos / 1e9),
            SharingException.NOBODY);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
    remoteConnections.put(
        to, RemoteConnection.builder().ip(to).port(0).publication(publication).build());
  }

  @Override
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // as the library declares it
  public <T extends ResponseMessage> T sendMessageBlocking(RequestMessage message, String to)
      throws InterruptedException {
    ResponseMessage answer = sendMessageBlocking(message, to, limitNanos, TimeUnit.NANOSECONDS);
    if (answer == null) {
      throw new SharingException(
          "Cannot reach node: node=%s, expected an answer within %.1f s"
              .formatted(to, limitNanos / 1e9),
          SharingException.NOBODY);
    }
    return (T) answer;
  }

  @Override
  public void sendMessage(VoidMessage message, String to) {
    if (message.getOriginatorId() == null) {
      message.setOriginatorId(id());
    }
    if (message instanceof RequestMessage request && request.getRequestId() == null) {
      request.setRequestId(UUID.randomUUID().toString());
    }
    if (message.getOriginatorId().equals(to)) {
      processMessage(message);
    } else if (message instanceof INDArrayMessage) {
      for (VoidChunk chunk : chunks(message)) {
        sendMessage(chunk, to);
      }
    } else {
      offer(new UnsafeBuffer(SerializationUtils.toByteArray(message)), to);
    }
  }

  private Iterable<VoidChunk> chunks(VoidMessage message) {
    try {
      return splitter.split(message, voidConfiguration.getMaxChunkSize());
    } catch (IOException e) {
      throw new SharingException(
          "Cannot send message: " + e.getMessage(), SharingException.NOBODY, e);
    }
  }

  private void offer(UnsafeBuffer bytes, String to) {
    RemoteConnection connection = remoteConnections.get(to);
    if (connection == null) {
      throw new SharingException(
          "Cannot send message: node=%s, expected a connected one".formatted(to),
          SharingException.NOBODY);
    }
    Publication publication = connection.getPublication();
    if (givenUp.contains(to) && !publication.isConnected()) {
      return; // the others must not wait for it again
    }
    long started = System.nanoTime();
    while (!closing) {
      long position = publication.offer(bytes);
      if (position > 0) {
        givenUp.remove(to);
        bytesSent.add(bytes.capacity());
        return;
      }
      boolean hopeless =
          position == Publication.CLOSED || position == Publication.MAX_POSITION_EXCEEDED;
      if (hopeless || System.nanoTime() - started > limitNanos) {
        giveUp(to, position);
        return;
      }
      LockSupport.parkNanos(OFFER_PAUSE_NANOS);
    }
  }

  @Override
  public void close() {
    shutdown();
  }

  /** The root goes on for the others; a worker without the root cannot. */
  private void giveUp(String to, long status) {
    String message =
        "Cannot send message: node=%s status=%d, expected it to take messages within %.1f s"
            .formatted(to, status, limitNanos / 1e9);
    if (givenUp.add(to)) {
      LOG.warn(message);
    }
    if (!isRoot) {
      throw new SharingException(message, SharingException.NOBODY);
    }
  }

  /** Ends the threads first: polling or offering after the buffers are gone ends the process. */
  @Override
  protected void shutdownSilent() {
    closing = true;
    messagesExecutorService.shutdownNow();
    executorService.shutdownNow();
    try {
      if (!messagesExecutorService.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("A thread of the parameter server did not end; its memory stays");
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    if (node != null) {
      node.close();
    }
  }
}

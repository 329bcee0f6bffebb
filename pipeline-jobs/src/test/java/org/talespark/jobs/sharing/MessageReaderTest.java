package org.talespark.jobs.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.nd4j.common.util.SerializationUtils;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.parameterserver.distributed.v2.chunks.VoidChunk;
import org.nd4j.parameterserver.distributed.v2.enums.MeshBuildMode;
import org.nd4j.parameterserver.distributed.v2.messages.VoidMessage;
import org.nd4j.parameterserver.distributed.v2.messages.impl.GradientsUpdateMessage;
import org.nd4j.parameterserver.distributed.v2.messages.impl.MeshUpdateMessage;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.handshake.HandshakeRequest;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.handshake.HandshakeResponse;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.params.ModelParametersRequest;
import org.nd4j.parameterserver.distributed.v2.util.MeshOrganizer;

class MessageReaderTest {

  @Test
  void messagesOfTheMeshPass() throws IOException {
    MeshOrganizer mesh = new MeshOrganizer(MeshBuildMode.PLAIN);
    mesh.getRootNode().setId("root");
    for (int i = 0; i < 1000; i++) {
      mesh.addNode("node-" + i);
    }
    HandshakeResponse response = HandshakeResponse.builder().build();
    response.setMesh(mesh);
    INDArray payload = Nd4j.createFromArray(3, 1, 4, 1, 5);

    assertThat(read(new HandshakeRequest())).isInstanceOf(HandshakeRequest.class);
    assertThat(((HandshakeResponse) read(response)).getMesh().totalNodes()).isEqualTo(1001);
    assertThat(((MeshUpdateMessage) read(new MeshUpdateMessage(mesh))).getMesh().totalNodes())
        .isEqualTo(1001);
    assertThat(
            ((GradientsUpdateMessage) read(new GradientsUpdateMessage("id", payload))).getPayload())
        .isEqualTo(payload);
  }

  @Test
  void objectsThatDoNotBelongAreNeverMade() {
    Hostile.reads = 0;
    List<Serializable> hostile =
        List.of(
            new Hostile(),
            new HostileMessage(),
            new HashMap<>(),
            new HashSet<>(List.of(1)),
            new ArrayList<>(List.of(new Hostile())),
            new Object[] {new Hostile()},
            new ModelParametersRequest());
    for (Serializable object : hostile) {
      assertThatExceptionOfType(IOException.class)
          .as(object.getClass().getName())
          .isThrownBy(() -> MessageReader.read(SerializationUtils.toByteArray(object)));
    }
    assertThat(Hostile.reads).isZero();
  }

  @Test
  void hostileFieldsOfMessagesThatBelongAreNotMadeEither() {
    Hostile.reads = 0;
    ArrayList<Object> nested = new ArrayList<>();
    ArrayList<Object> inner = nested;
    for (int i = 0; i < 100; i++) {
      ArrayList<Object> next = new ArrayList<>();
      inner.add(next);
      inner = next;
    }
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> MessageReader.read(SerializationUtils.toByteArray(nested)));
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> MessageReader.read(new byte[9]));
    assertThat(Hostile.reads).isZero();
  }

  @Test
  void whatIsCutIsJoinedInAnyOrder() throws IOException {
    BoundedSplitter splitter = new BoundedSplitter();
    INDArray payload = Nd4j.arange(50_000).castTo(org.nd4j.linalg.api.buffer.DataType.INT32);
    GradientsUpdateMessage message = new GradientsUpdateMessage("id", payload);
    List<VoidChunk> chunks = new ArrayList<>(splitter.split(message, 4096));
    Collections.shuffle(chunks, new java.util.Random(1));

    Set<Integer> done = new HashSet<>();
    for (int i = 0; i < chunks.size(); i++) {
      VoidChunk chunk = (VoidChunk) read(chunks.get(i));
      boolean whole = splitter.merge(chunk).isPresent();
      assertThat(whole).isEqualTo(i == chunks.size() - 1);
      done.add(chunk.getChunkId());
    }
    assertThat(done).hasSizeGreaterThan(40);
    assertThat(splitter.pendingBytes()).isZero();
  }

  @Test
  void joinedMessagesAreFilteredToo() {
    Hostile.reads = 0;
    byte[] bytes = SerializationUtils.toByteArray(new HostileMessage());
    BoundedSplitter splitter = new BoundedSplitter();

    assertThatIllegalArgumentException()
        .isThrownBy(() -> splitter.merge(chunk(0, bytes.length, 1 << 16, bytes)));
    assertThat(Hostile.reads).isZero();
  }

  @Test
  void chunksThatDoNotFitAreRefused() {
    BoundedSplitter splitter = new BoundedSplitter();
    byte[] ten = new byte[10];
    assertThatIllegalArgumentException()
        .isThrownBy(() -> splitter.merge(chunk(0, Long.MAX_VALUE, 10, ten)));
    assertThatIllegalArgumentException().isThrownBy(() -> splitter.merge(chunk(0, -1, 10, ten)));
    assertThatIllegalArgumentException().isThrownBy(() -> splitter.merge(chunk(3, 30, 10, ten)));
    assertThatIllegalArgumentException().isThrownBy(() -> splitter.merge(chunk(-1, 30, 10, ten)));
    assertThatIllegalArgumentException().isThrownBy(() -> splitter.merge(chunk(0, 40, 10, ten)));
    assertThatIllegalArgumentException().isThrownBy(() -> splitter.merge(chunk(0, 30, 20, ten)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> splitter.merge(chunk(0, 30, 10, new byte[9])));
    assertThat(splitter.pendingBytes()).isEqualTo(30);
  }

  private static VoidChunk chunk(int id, long total, int split, byte[] payload) {
    return VoidChunk.builder()
        .originalId("message")
        .chunkId(id)
        .totalSize(total)
        .splitSize(split)
        .numberOfChunks(1)
        .payload(payload)
        .build();
  }

  private static VoidMessage read(VoidMessage message) throws IOException {
    return MessageReader.read(SerializationUtils.toByteArray(message));
  }

  /** Counts how often one was made from bytes. */
  static final class Hostile implements Serializable {
    private static final long serialVersionUID = 1L;
    static volatile int reads;

    private Object readResolve() {
      reads++;
      return this;
    }
  }

  /** Of the right interface, but not of the mesh. */
  static final class HostileMessage implements VoidMessage {
    private static final long serialVersionUID = 1L;

    final Hostile inside = new Hostile();

    @Override
    public String getMessageId() {
      return "hostile";
    }

    @Override
    public String getOriginatorId() {
      return "hostile";
    }

    @Override
    public void setOriginatorId(String id) {
      // stays
    }
  }
}

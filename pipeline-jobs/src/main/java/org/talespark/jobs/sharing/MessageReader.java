package org.talespark.jobs.sharing;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputFilter;
import java.io.ObjectInputFilter.FilterInfo;
import java.io.ObjectInputFilter.Status;
import java.io.ObjectInputStream;
import java.io.ObjectStreamClass;
import java.util.Set;
import org.nd4j.parameterserver.distributed.v2.messages.VoidMessage;

/**
 * The only place that turns bytes from the parameter server's UDP ports into Java objects. A
 * deserialization filter (JEP 290) on each stream lets through the few classes that the mesh needs
 * to form and to carry updates, and nothing else is ever instantiated. The filter belongs to the
 * stream, not to the process: Spark goes on deserializing its tasks as before, and no JVM option is
 * needed.
 */
final class MessageReader {
  /** The longest message, in bytes of serialized form. */
  static final int MAX_BYTES = 128 << 20;

  private static final int MAX_DEPTH = 32;
  private static final int MAX_REFERENCES = 200_000;
  private static final int MAX_ARRAY_LENGTH = 1 << 20;

  private static final String SERVER = "org.nd4j.parameterserver.distributed.";

  private static final Set<String> ALLOWED =
      Set.of(
          SERVER + "v2.chunks.VoidChunk",
          SERVER + "v2.messages.impl.base.BaseVoidMessage",
          SERVER + "v2.messages.impl.base.BaseRequestMessage",
          SERVER + "v2.messages.impl.base.BaseResponseMessage",
          SERVER + "v2.messages.impl.base.BaseINDArrayMessage",
          SERVER + "v2.messages.impl.GradientsUpdateMessage",
          SERVER + "v2.messages.impl.MeshUpdateMessage",
          SERVER + "v2.messages.pairs.handshake.HandshakeRequest",
          SERVER + "v2.messages.pairs.handshake.HandshakeResponse",
          SERVER + "v2.util.MeshOrganizer",
          SERVER + "v2.util.MeshOrganizer$Node",
          SERVER + "v2.enums.MeshBuildMode",
          SERVER + "enums.NodeStatus",
          "org.nd4j.common.primitives.Atomic",
          "org.nd4j.linalg.api.ndarray.BaseNDArray",
          "org.nd4j.linalg.cpu.nativecpu.NDArray",
          "org.nd4j.linalg.jcublas.JCublasNDArray",
          "java.util.ArrayList",
          "java.util.concurrent.atomic.AtomicInteger",
          "java.lang.Object",
          "java.lang.String",
          "java.lang.Number",
          "java.lang.Enum");

  private MessageReader() {}

  /**
   * Reads a message.
   *
   * @throws IOException for anything that is not a message of the mesh; no code of a class that
   *     does not belong has run then
   */
  static VoidMessage read(byte[] bytes) throws IOException {
    try (Stream stream = new Stream(new ByteArrayInputStream(bytes))) {
      if (stream.readObject() instanceof VoidMessage message) {
        return message;
      }
      throw new IOException("not a message");
    } catch (ClassNotFoundException | RuntimeException e) {
      throw new IOException("unreadable message: " + e.getMessage(), e);
    }
  }

  static Status check(FilterInfo info) {
    if (info.depth() > MAX_DEPTH
        || info.references() > MAX_REFERENCES
        || info.arrayLength() > MAX_ARRAY_LENGTH
        || info.streamBytes() > MAX_BYTES) {
      return Status.REJECTED;
    }
    Class<?> type = info.serialClass();
    if (type == null) {
      return Status.UNDECIDED;
    }
    while (type.isArray()) {
      type = type.getComponentType();
    }
    return type.isPrimitive() || ALLOWED.contains(type.getName())
        ? Status.ALLOWED
        : Status.REJECTED;
  }

  /** Finds classes where this one comes from, whichever thread reads. */
  private static final class Stream extends ObjectInputStream {
    Stream(InputStream in) throws IOException {
      super(in);
      ObjectInputFilter stricter = MessageReader::check;
      setObjectInputFilter(stricter);
    }

    @Override
    protected Class<?> resolveClass(ObjectStreamClass description)
        throws IOException, ClassNotFoundException {
      if (description.getName().startsWith("[")) {
        return super.resolveClass(description);
      }
      return Class.forName(description.getName(), false, MessageReader.class.getClassLoader());
    }

    @Override
    protected Class<?> resolveProxyClass(String[] interfaces) throws IOException {
      throw new IOException("proxies do not belong");
    }
  }
}

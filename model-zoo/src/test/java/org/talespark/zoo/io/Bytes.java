package org.talespark.zoo.io;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Safetensors files as byte arrays. */
final class Bytes {
  private Bytes() {}

  static byte[] file(String header, int dataBytes) {
    return file(header.getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  static byte[] file(byte[] header, int dataBytes) {
    return withLength(header.length, header, dataBytes);
  }

  static byte[] withLength(long length, byte[] header, int dataBytes) {
    return ByteBuffer.allocate(8 + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(header)
        .array();
  }

  static byte[] write(Map<String, String> metadata, Collection<TensorSource> tensors) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      SafetensorsWriter.write(out, metadata, tensors);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  static SafetensorsReader open(byte[] file) throws IOException {
    return SafetensorsReader.open(new ByteArrayInputStream(file), file.length);
  }

  static Map<String, INDArray> load(byte[] file) throws IOException {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    open(file).forEach(tensor -> arrays.put(tensor.info().name(), tensor.load()));
    return arrays;
  }

  /** Reads everything without making arrays. */
  static SafetensorsHeader drain(byte[] file) {
    try {
      SafetensorsReader reader = open(file);
      reader.forEach(tensor -> tensor.transferTo(Channels.newChannel(new ByteArrayOutputStream())));
      return reader.header();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package org.talespark.zoo.io;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The checked header of one file.
 *
 * @param metadata free text by key; empty when the file has none
 * @param tensors by name, in the order of their bytes
 * @param dataStart the file's first byte behind the header
 * @param fileLength bytes of the whole file
 */
public record SafetensorsHeader(
    Map<String, String> metadata,
    Map<String, TensorInfo> tensors,
    long dataStart,
    long fileLength) {

  /** Upstream's limit for the bytes of a header. */
  public static final int MAX_HEADER_BYTES = 100_000_000;

  /** The key of the free text among the tensors. */
  static final String METADATA_KEY = "__metadata__";

  /** Bytes of the length in front of the header. */
  static final int LENGTH_BYTES = Long.BYTES;

  public SafetensorsHeader {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /** One tensor; fails when the file has none of this name. */
  public TensorInfo tensor(String name) {
    TensorInfo info = tensors.get(name);
    if (info == null) {
      throw new SafetensorsException(
          "Cannot find tensor: name=%s, expected one of %s"
              .formatted(Names.quote(name), Names.some(tensors.keySet())));
    }
    return info;
  }

  /**
   * Checks the length that a file begins with.
   *
   * @param length the first eight bytes, little endian
   * @param fileLength bytes of the whole file
   * @return the bytes of the header
   */
  static int checkLength(long length, long fileLength) {
    if (Long.compareUnsigned(length, MAX_HEADER_BYTES) > 0) {
      throw new SafetensorsException(
          "Cannot read safetensors header: header_length=%s, expected at most %d"
              .formatted(Long.toUnsignedString(length), MAX_HEADER_BYTES));
    }
    if (length > fileLength - LENGTH_BYTES) {
      throw new SafetensorsException(
          "Cannot read safetensors header: header_length=%d file_length=%d, expected a header inside the file"
              .formatted(length, fileLength));
    }
    return (int) length;
  }

  /**
   * Parses and checks a header.
   *
   * @param json the bytes behind the length
   * @param fileLength bytes of the whole file
   */
  static SafetensorsHeader parse(byte[] json, long fileLength) {
    HeaderJson.Parsed parsed = HeaderJson.parse(json);
    long dataStart = LENGTH_BYTES + (long) json.length;
    long end = checkContiguous(parsed.tensors());
    if (end != fileLength - dataStart) {
      throw new SafetensorsException(
          "Cannot read safetensors header: tensor_bytes=%d file_length=%d header_length=%d, expected %d bytes behind the header; the file is %s"
              .formatted(
                  end,
                  fileLength,
                  json.length,
                  end,
                  end > fileLength - dataStart ? "cut off" : "longer than its tensors"));
    }
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    parsed.tensors().forEach(info -> tensors.put(info.name(), info));
    return new SafetensorsHeader(parsed.metadata(), tensors, dataStart, fileLength);
  }

  /** Tensors in the order of their bytes must follow one another from 0, without gap or overlap. */
  private static long checkContiguous(List<TensorInfo> sorted) {
    long end = 0;
    for (TensorInfo info : sorted) {
      if (info.begin() != end) {
        throw new SafetensorsException(
            "Cannot read safetensors header: tensor=%s data_offsets=[%d,%d], expected to begin at %d; %s"
                .formatted(
                    Names.quote(info.name()),
                    info.begin(),
                    info.end(),
                    end,
                    info.begin() > end ? "bytes between tensors" : "tensors overlap"));
      }
      end = info.end();
    }
    return end;
  }
}

package org.talespark.zoo.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SafetensorsFuzzTest {
  private static final byte[] VALID =
      Bytes.file(
          ("{\"__metadata__\":{\"format\":\"pt\"},"
              + "\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
              + "\"b\":{\"dtype\":\"I8\",\"shape\":[3],\"data_offsets\":[8,11]}}"),
          11);

  /** A reader that takes a file must agree with the rules; one that refuses must say so. */
  private static void survives(byte[] file) {
    SafetensorsHeader header;
    try {
      header = Bytes.drain(file);
    } catch (SafetensorsException e) {
      assertThat(e).hasMessageStartingWith("Cannot ").hasMessageContaining("expected");
      return;
    }
    long end = 0;
    for (TensorInfo info : header.tensors().values()) {
      assertThat(info.begin()).isEqualTo(end);
      end = info.end();
    }
    assertThat(header.dataStart() + end).isEqualTo(file.length);
  }

  @Property(tries = 500)
  void randomBytesAreRefused(@ForAll @Size(max = 200) byte[] file) {
    survives(file);
  }

  @Property(tries = 500)
  void randomHeadersAreRefused(@ForAll @Size(max = 200) byte[] header) {
    survives(Bytes.file(header, 0));
  }

  @Property(tries = 2000)
  void mutatedFilesAreReadOrRefused(@ForAll("mutations") List<Mutation> mutations) {
    byte[] file = VALID;
    for (Mutation mutation : mutations) {
      file = mutation.apply(file);
    }
    survives(file);
  }

  @Property(tries = 1000)
  void headersOfJsonPiecesAreReadOrRefused(@ForAll("pieces") String header) {
    survives(Bytes.file(("{" + header).getBytes(StandardCharsets.UTF_8), 8));
  }

  @Property(tries = 200)
  void whateverIsWrittenComesBack(
      @ForAll("tensors") Map<String, Kind> kinds, @ForAll("metadata") Map<String, String> metadata)
      throws Exception {
    Map<String, INDArray> tensors = new TreeMap<>();
    kinds.forEach((name, kind) -> tensors.put(name, kind.array()));
    List<TensorSource> sources = new ArrayList<>();
    tensors.forEach((name, array) -> sources.add(TensorSource.of(name, array)));
    byte[] file = Bytes.write(metadata, sources);
    assertThat(Bytes.open(file).header().metadata()).isEqualTo(metadata);
    assertThat(Bytes.open(file).header().dataStart() % 8).isZero();
    Map<String, INDArray> back = Bytes.load(file);
    assertThat(back.keySet()).isEqualTo(tensors.keySet());
    tensors.forEach((name, array) -> assertThat(back.get(name)).isEqualTo(array));
    for (TensorInfo info : Bytes.open(file).header().tensors().values()) {
      assertThat(info.begin() % (info.dtype().bits() / 8)).as("aligned").isZero();
    }
  }

  /** One change of a file: a byte set, or a stretch removed, doubled or cut off. */
  record Mutation(int kind, double where, int value) {
    byte[] apply(byte[] file) {
      if (file.length == 0) {
        return file;
      }
      int at = (int) (where * file.length);
      int end = Math.min(file.length, at + 1 + Math.abs(value) % 16);
      byte[] changed = file.clone();
      switch (kind) {
        case 0 -> changed[at] = (byte) value;
        case 1 -> changed[at] ^= (byte) (1 << (value & 7));
        case 2 -> {
          return join(Arrays.copyOf(file, at), Arrays.copyOfRange(file, end, file.length));
        }
        case 3 -> {
          return join(Arrays.copyOf(file, end), Arrays.copyOfRange(file, at, file.length));
        }
        default -> {
          return Arrays.copyOf(file, at);
        }
      }
      return changed;
    }

    private static byte[] join(byte[] a, byte[] b) {
      byte[] joined = Arrays.copyOf(a, a.length + b.length);
      System.arraycopy(b, 0, joined, a.length, b.length);
      return joined;
    }
  }

  /**
   * What to make an array of; arrays themselves must not be hashed, which empty ones do not
   * survive.
   */
  record Kind(Dtype dtype, List<Long> shape) {
    INDArray array() {
      DataType type = dtype.arrayType().orElseThrow();
      INDArray array = Nd4j.create(type, shape.stream().mapToLong(Long::longValue).toArray());
      for (long i = 0; i < array.length() && !array.isEmpty(); i++) {
        array.putScalar(i, (int) i % (type == DataType.BOOL ? 2 : 100));
      }
      return array;
    }
  }

  @Provide
  Arbitrary<List<Mutation>> mutations() {
    return Combinators.combine(
            Arbitraries.integers().between(0, 4),
            Arbitraries.doubles().between(0, true, 1, false),
            Arbitraries.integers())
        .as(Mutation::new)
        .list()
        .ofMinSize(1)
        .ofMaxSize(4);
  }

  @Provide
  Arbitrary<String> pieces() {
    return Arbitraries.of(
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\":{\"dtype\":\"F32\",",
            "\"b\"",
            "\"dtype\":\"U8\"",
            "\"shape\":[",
            "\"data_offsets\":[0,8]",
            "\"__metadata__\":{",
            "\"k\":\"v\"",
            "null",
            "-1",
            "1e400",
            "8",
            "99999999999999999999",
            "9223372036854775807",
            "[[[[[[[[",
            "\"\\u",
            "\\ud800",
            "true",
            " ")
        .list()
        .ofMaxSize(20)
        .map(pieces -> String.join("", pieces));
  }

  @Provide
  Arbitrary<Map<String, Kind>> tensors() {
    Arbitrary<Kind> kinds =
        Combinators.combine(
                Arbitraries.of(Dtype.values()).filter(dtype -> dtype.arrayType().isPresent()),
                Arbitraries.longs().between(0, 4).list().ofMaxSize(4))
            .as(Kind::new);
    return Arbitraries.maps(text(), kinds).ofMaxSize(5);
  }

  @Provide
  Arbitrary<Map<String, String>> metadata() {
    return Arbitraries.maps(text(), text()).ofMaxSize(3).map(TreeMap::new);
  }

  private static Arbitrary<String> text() {
    return Arbitraries.strings()
        .ofMaxLength(8)
        .filter(text -> Names.isUnicode(text) && !text.equals("__metadata__"));
  }
}

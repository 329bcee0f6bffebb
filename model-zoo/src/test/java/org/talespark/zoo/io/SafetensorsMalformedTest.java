package org.talespark.zoo.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsMalformedTest {
  private static final String GOOD = entry("a", "F32", "[2]", "[0,8]");

  private static String entry(String name, String dtype, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}"
        .formatted(name, dtype, shape, offsets);
  }

  private static Arguments bad(String what, String header, int dataBytes, String message) {
    return Arguments.of(what, Bytes.file(header, dataBytes), message);
  }

  private static Arguments raw(String what, byte[] file, String message) {
    return Arguments.of(what, file, message);
  }

  private static Arguments oneBad(
      String what, String dtype, String shape, String offsets, int dataBytes, String message) {
    return bad(what, "{" + entry("a", dtype, shape, offsets) + "}", dataBytes, message);
  }

  static Stream<Arguments> malformed() {
    byte[] good = ("{" + GOOD + "}").getBytes(StandardCharsets.UTF_8);
    byte[] notUtf8 = good.clone();
    notUtf8[2] = (byte) 0xff;
    byte[] overlong = "{\"\u0000\":1}".getBytes(StandardCharsets.UTF_8);
    overlong[2] = (byte) 0xc0;
    return Stream.of(
        raw("no bytes", new byte[0], "file_length=0"),
        raw("seven bytes", new byte[7], "file_length=7"),
        raw("length zero", new byte[8], "first byte=none"),
        raw(
            "length beyond the file",
            Bytes.withLength(good.length + 9, good, 8),
            "inside the file"),
        raw("length above the cap", Bytes.withLength(100_000_001, good, 8), "at most 100000000"),
        raw("length of 2^63", Bytes.withLength(Long.MIN_VALUE, good, 8), "9223372036854775808"),
        raw("length of 2^64-1", Bytes.withLength(-1, good, 8), "18446744073709551615"),
        raw("length that cuts the header", Bytes.withLength(good.length - 1, good, 8), "json="),
        raw("not UTF-8", Bytes.file(notUtf8, 8), "valid UTF-8"),
        raw("overlong UTF-8", Bytes.file(overlong, 0), "valid UTF-8"),
        raw("UTF-16", Bytes.file("{}".getBytes(StandardCharsets.UTF_16LE), 0), "json="),
        bad("byte order mark", "\uFEFF{}", 0, "first byte=0xef"),
        bad("leading space", " {" + GOOD + "}", 8, "first byte=0x20"),
        bad("array", "[]", 0, "first byte=0x5b"),
        bad("unclosed object", "{", 0, "json="),
        bad("unclosed entry", "{" + GOOD, 8, "json="),
        bad("trailing comma", "{" + GOOD + ",}", 8, "json="),
        bad("comment", "{/**/}", 0, "json="),
        bad("single quotes", "{'a':1}", 0, "json="),
        bad("NaN", "{\"a\":NaN}", 0, "json="),
        bad("control character", "{\"a\u0001\":1}", 0, "json="),
        bad("second object", "{" + GOOD + "}{}", 8, "content behind the object"),
        bad("zero behind the object", "{" + GOOD + "}\u0000", 8, "json="),
        bad("duplicate tensor", "{" + GOOD + "," + GOOD + "}", 8, "duplicate key='a'"),
        bad(
            "duplicate tensor, other extent",
            "{" + GOOD + "," + entry("a", "F32", "[1]", "[8,12]") + "}",
            12,
            "duplicate key='a'"),
        bad(
            "duplicate metadata",
            "{\"__metadata__\":{},\"__metadata__\":{}}",
            0,
            "duplicate key='__metadata__'"),
        bad(
            "duplicate metadata key",
            "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}",
            0,
            "__metadata__ duplicate key='k'"),
        bad("metadata not an object", "{\"__metadata__\":[]}", 0, "object of strings"),
        bad("metadata number", "{\"__metadata__\":{\"k\":1}}", 0, "'k'='1', expected a string"),
        bad("metadata null value", "{\"__metadata__\":{\"k\":null}}", 0, "expected a string"),
        bad("metadata nested", "{\"__metadata__\":{\"k\":{}}}", 0, "expected a string"),
        bad("half surrogate", "{" + GOOD.replace("\"a\"", "\"\\ud800\"") + "}", 8, "surrogate"),
        bad("tensor is null", "{\"a\":null}", 0, "expected an object"),
        bad("tensor is a list", "{\"a\":[\"F32\",[2],[0,8]]}", 8, "expected an object"),
        bad("no dtype", "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype=null"),
        bad("no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "shape=null"),
        bad("no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets=null"),
        bad(
            "duplicate shape",
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]}}",
            8,
            "duplicate key='shape'"),
        oneBad("unknown dtype", "F31", "[2]", "[0,8]", 8, "dtype='F31'"),
        oneBad("lower-case dtype", "f32", "[2]", "[0,8]", 8, "dtype='f32'"),
        oneBad("shape not a list", "F32", "2", "[0,8]", 8, "shape='2'"),
        oneBad("negative dimension", "F32", "[-2]", "[0,8]", 8, "shape[0]='-2'"),
        oneBad("minus zero", "F32", "[-0]", "[0,0]", 0, "shape[0]='-0'"),
        oneBad("fractional dimension", "F32", "[2.0]", "[0,8]", 8, "whole numbers"),
        oneBad("text dimension", "F32", "[\"2\"]", "[0,8]", 8, "whole numbers"),
        oneBad("nested dimension", "F32", "[[2]]", "[0,8]", 8, "whole numbers"),
        oneBad("dimension of 2^63", "U8", "[9223372036854775808]", "[0,0]", 0, "2^63-1"),
        oneBad("dimensions that wrap to zero", "U8", "[4294967296,4294967296]", "[0,0]", 0, "2^63"),
        oneBad("size that wraps to eight", "F32", "[4611686018427387906]", "[0,8]", 8, "2^63"),
        oneBad("overflow before a zero", "U8", "[9223372036854775807,2,0]", "[0,0]", 0, "2^63"),
        oneBad("part of a byte", "F4", "[3]", "[0,2]", 2, "whole bytes"),
        oneBad("one offset", "F32", "[2]", "[8]", 8, "two offsets"),
        oneBad("three offsets", "F32", "[2]", "[0,8,8]", 8, "data_offsets[2]"),
        oneBad("fractional offset", "F32", "[2]", "[0,8.0]", 8, "whole numbers"),
        oneBad("negative offset", "F32", "[2]", "[-8,0]", 8, "data_offsets[0]='-8'"),
        oneBad("offsets swapped", "F32", "[2]", "[8,0]", 8, "data_offsets=[8,0]"),
        oneBad("span too short", "F32", "[2]", "[0,4]", 4, "a span of 8 bytes"),
        oneBad("span too long", "F32", "[2]", "[0,12]", 12, "a span of 8 bytes"),
        oneBad("gap at the start", "F32", "[2]", "[4,12]", 12, "expected to begin at 0"),
        oneBad("data cut off", "F32", "[2]", "[0,8]", 7, "cut off"),
        oneBad("no data", "F32", "[2]", "[0,8]", 0, "cut off"),
        oneBad("trailing byte", "F32", "[2]", "[0,8]", 9, "longer than its tensors"),
        bad("data without tensors", "{}", 1, "longer than its tensors"),
        bad(
            "gap between tensors",
            "{" + GOOD + "," + entry("b", "U8", "[1]", "[9,10]") + "}",
            10,
            "bytes between tensors"),
        bad(
            "overlap",
            "{" + GOOD + "," + entry("b", "U8", "[2]", "[7,9]") + "}",
            9,
            "tensors overlap"),
        bad(
            "same bytes twice",
            "{" + GOOD + "," + entry("b", "F32", "[2]", "[0,8]") + "}",
            8,
            "tensors overlap"),
        bad(
            "too many dimensions",
            "{" + entry("a", "U8", ones(65), "[0,1]") + "}",
            1,
            "at most 64"));
  }

  private static String ones(int count) {
    String[] ones = new String[count];
    Arrays.fill(ones, "1");
    return "[" + String.join(",", ones) + "]";
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("malformed")
  void refusesWithAReason(String what, byte[] file, String message) {
    assertThatThrownBy(() -> Bytes.drain(file))
        .as(what)
        .isInstanceOf(SafetensorsException.class)
        .hasMessageStartingWith("Cannot ")
        .hasMessageContaining(message)
        .hasMessageContaining("expected");
  }

  @Test
  void acceptsWhatUpstreamAccepts() {
    assertThat(Bytes.drain(Bytes.file("{" + GOOD + "} \n\t ", 8)).tensors()).hasSize(1);
    assertThat(Bytes.drain(Bytes.file("{\"__metadata__\":null}", 0)).metadata()).isEmpty();
    assertThat(Bytes.drain(Bytes.file("{" + entry("", "U8", "[]", "[0,1]") + "}", 1)).tensor(""))
        .isEqualTo(new TensorInfo("", Dtype.U8, java.util.List.of(), 0, 1));
    String more = GOOD.replace("[0,8]", "[0,8],\"note\":{\"x\":[1,{}]}");
    assertThat(Bytes.drain(Bytes.file("{" + more + "}", 8)).tensors()).hasSize(1);
    String shuffled =
        String.join(
            ",",
            entry("z", "F32", "[0]", "[4,4]"),
            entry("y", "F32", "[1]", "[0,4]"),
            entry("x", "F32", "[0,3]", "[0,0]"),
            entry("w", "F32", "[0,9223372036854775807,9]", "[0,0]"));
    assertThat(Bytes.drain(Bytes.file("{" + shuffled + "}", 4)).tensors().keySet())
        .containsExactly("x", "w", "y", "z");
  }

  @Test
  void noticesAStreamThatDiffersFromItsStatedLength() throws IOException {
    byte[] file = Bytes.file("{" + GOOD + "}", 8);
    SafetensorsReader cut =
        SafetensorsReader.open(
            new ByteArrayInputStream(Arrays.copyOf(file, file.length - 3)), file.length);
    assertThatThrownBy(() -> cut.forEach(TensorData::load))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("tensor='a' missing_bytes=3");
    SafetensorsReader longer =
        SafetensorsReader.open(
            new ByteArrayInputStream(Arrays.copyOf(file, file.length + 1)), file.length);
    assertThatThrownBy(() -> longer.forEach(tensor -> {}))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("behind the last tensor");
  }
}

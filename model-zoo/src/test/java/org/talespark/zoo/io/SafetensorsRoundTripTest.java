package org.talespark.zoo.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.zoo.graph.ParameterLayout;

class SafetensorsRoundTripTest {
  @TempDir Path folder;

  private static INDArray numbers(DataType type, long... shape) {
    INDArray counted = Nd4j.create(DataType.FLOAT, shape);
    for (long i = 0; i < counted.length(); i++) {
      counted.putScalar(i, type == DataType.BOOL ? (int) i % 2 : (int) i + 1);
    }
    return counted.castTo(type);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"})
  void everyArrayTypeComesBackEqual(Dtype dtype) throws IOException {
    INDArray array = numbers(dtype.arrayType().orElseThrow(), 2, 3, 5);
    byte[] file = Bytes.write(Map.of(), List.of(TensorSource.of("t", array)));
    INDArray back = Bytes.load(file).get("t");
    assertThat(back.dataType()).isEqualTo(array.dataType());
    assertThat(back).isEqualTo(array);
    assertThat(Bytes.open(file).header().tensor("t").dtype()).isEqualTo(dtype);
  }

  @Test
  void negativeAndExtremeValuesKeepTheirBits() throws IOException {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    arrays.put("f64", Nd4j.createFromArray(-0.0, Double.MIN_VALUE, Double.MAX_VALUE, Math.PI));
    arrays.put("f32", Nd4j.createFromArray(-0.0f, Float.MIN_VALUE, -Float.MAX_VALUE));
    arrays.put("i64", Nd4j.createFromArray(Long.MIN_VALUE, -1L, Long.MAX_VALUE));
    arrays.put("i32", Nd4j.createFromArray(Integer.MIN_VALUE, -1, Integer.MAX_VALUE));
    arrays.put("i16", Nd4j.createFromArray(Short.MIN_VALUE, (short) -1, Short.MAX_VALUE));
    arrays.put("i8", Nd4j.createFromArray(Byte.MIN_VALUE, (byte) -1, Byte.MAX_VALUE));
    arrays.put("bool", Nd4j.createFromArray(true, false, true));
    List<TensorSource> sources = new ArrayList<>();
    arrays.forEach((name, array) -> sources.add(TensorSource.of(name, array)));
    byte[] file = Bytes.write(Map.of(), sources);
    assertThat(Bytes.load(file)).containsExactlyInAnyOrderEntriesOf(arrays);
    INDArray nan = Nd4j.createFromArray(Float.NaN, Float.NEGATIVE_INFINITY);
    INDArray back = Bytes.load(Bytes.write(Map.of(), List.of(TensorSource.of("n", nan)))).get("n");
    assertThat(back.getFloat(0)).isNaN();
    assertThat(back.getFloat(1)).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Test
  void scalarsAndZeroLengthDimensionsComeBackWithTheirShapes() throws IOException {
    Map<String, long[]> shapes =
        Map.of("scalar", new long[0], "empty", new long[] {0}, "none", new long[] {3, 0, 2});
    List<TensorSource> sources = new ArrayList<>();
    shapes.forEach(
        (name, shape) -> sources.add(TensorSource.of(name, Nd4j.create(DataType.FLOAT, shape))));
    sources.add(TensorSource.of("seven", Nd4j.scalar(7f)));
    Map<String, INDArray> back = Bytes.load(Bytes.write(Map.of(), sources));
    shapes.forEach((name, shape) -> assertThat(back.get(name).shape()).isEqualTo(shape));
    assertThat(back.get("seven").getFloat(0)).isEqualTo(7);
    assertThat(back.get("none").isEmpty()).isTrue();
  }

  @Test
  void aFileWithoutTensorsHoldsItsMetadata() throws IOException {
    byte[] file = Bytes.write(Map.of(), List.of());
    assertThat(file).isEqualTo(Bytes.file("{}      ", 0));
    Map<String, String> metadata = Map.of("format", "pt", "näme\n", "\"\\\u0001\uD83D\uDE00");
    assertThat(Bytes.open(Bytes.write(metadata, List.of())).header().metadata())
        .isEqualTo(metadata);
  }

  @Test
  void smallFileIsByteForByteAsSpecified() {
    byte[] header =
        ("{\"__metadata__\":{\"a\":\"1\",\"b\":\"2\"},"
                + "\"w\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
                + "\"z\":{\"dtype\":\"I8\",\"shape\":[3],\"data_offsets\":[16,19]}}    ")
            .getBytes(StandardCharsets.UTF_8);
    assertThat(header.length % 8).isZero();
    ByteBuffer expected = ByteBuffer.wrap(Bytes.file(header, 19));
    byte[] data = {
      0,
      0,
      0,
      0,
      0,
      0,
      (byte) 0xf8,
      0x3f, // 1.5 in 64 bits
      0,
      0,
      (byte) 0x80,
      0x3f,
      0,
      0,
      0,
      (byte) 0xc0, // 1, -2 in 32 bits
      1,
      (byte) 0xff,
      3
    };
    expected.position(8 + header.length).put(data);
    byte[] written =
        Bytes.write(
            Map.of("b", "2", "a", "1"),
            List.of(
                TensorSource.of("z", Nd4j.createFromArray((byte) 1, (byte) -1, (byte) 3)),
                TensorSource.of("b", Nd4j.createFromArray(1f, -2f).reshape('c', 2, 1)),
                TensorSource.of("w", Nd4j.scalar(1.5))));
    assertThat(written).isEqualTo(expected.array());
  }

  @Test
  void tensorsAreSortedByTypeAndThenByTheBytesOfTheirNames() throws IOException {
    List<TensorSource> sources = new ArrayList<>();
    for (Dtype dtype : Dtype.values()) {
      dtype
          .arrayType()
          .ifPresent(t -> sources.add(TensorSource.of(dtype.name(), Nd4j.create(t, 1))));
    }
    for (String name : List.of("\uFFEE", "\uD83D\uDE00", "a", "A")) {
      sources.add(TensorSource.of(name, Nd4j.create(DataType.BOOL, 1)));
    }
    SafetensorsHeader header = Bytes.open(Bytes.write(Map.of(), sources)).header();
    assertThat(header.tensors().keySet())
        .containsExactly(
            "I64",
            "F64",
            "F32",
            "I32",
            "BF16",
            "F16",
            "I16",
            "I8",
            "U8",
            "A",
            "BOOL",
            "a",
            "\uFFEE",
            "\uD83D\uDE00");
  }

  @Test
  void viewsAreWrittenFromTheirPlaceInTheFlatArray() throws IOException {
    INDArray flat = numbers(DataType.FLOAT, 24);
    INDArray view = flat.get(NDArrayIndex.interval(5, 17)).reshape('c', 3, 4);
    INDArray inner = view.get(NDArrayIndex.interval(1, 3), NDArrayIndex.all());
    INDArray columns = view.get(NDArrayIndex.all(), NDArrayIndex.interval(1, 3));
    INDArray transposed = numbers(DataType.DOUBLE, 3, 4).transpose();
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    arrays.put("view", view);
    arrays.put("inner", inner);
    arrays.put("columns", columns);
    arrays.put("transposed", transposed);
    arrays.put("scalar", view.getScalar(1, 2));
    List<TensorSource> sources = new ArrayList<>();
    arrays.forEach((name, array) -> sources.add(TensorSource.of(name, array)));
    Map<String, INDArray> back = Bytes.load(Bytes.write(Map.of(), sources));
    arrays.forEach((name, array) -> assertThat(back.get(name)).as(name).isEqualTo(array));
    assertThat(back.get("view").getFloat(0, 0)).isEqualTo(6);
  }

  @Test
  void flatArraysGoToNamedTensorsAndBack() throws IOException {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("b.weight", new long[] {4, 3});
    shapes.put("a.bias", new long[] {3});
    shapes.put("gain", new long[0]);
    ParameterLayout layout = ParameterLayout.of(shapes);
    INDArray flat = numbers(DataType.DOUBLE, 16);
    byte[] file = Bytes.write(Map.of(), FlatTensors.sources(layout, flat));
    assertThat(Bytes.open(file).header().tensor("b.weight").shape()).containsExactly(4L, 3L);
    INDArray back = Nd4j.create(DataType.DOUBLE, 16);
    Set<String> read = FlatTensors.load(Bytes.open(file), layout, back);
    assertThat(read).isEqualTo(shapes.keySet());
    assertThat(back).isEqualTo(flat);

    shapes.remove("gain");
    ParameterLayout smaller = ParameterLayout.of(shapes);
    INDArray part = Nd4j.create(DataType.DOUBLE, 15);
    assertThatThrownBy(() -> FlatTensors.load(Bytes.open(file), smaller, part))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("unexpected=['gain']");
    FlatTensors.load(Bytes.open(file), smaller, part, name -> name, true);
    assertThat(part).isEqualTo(flat.get(NDArrayIndex.interval(0, 15)));
    shapes.put("more", new long[] {1});
    assertThatThrownBy(
            () ->
                FlatTensors.load(Bytes.open(file), ParameterLayout.of(shapes), back, n -> n, true))
        .hasMessageContaining("missing=['more']");
  }

  @Test
  void halvesWidenExactlyAndNothingIsRoundedSilently() throws IOException {
    INDArray values = Nd4j.createFromArray(1f, -2.5f, 65504f, 0x1p-24f, 0f, 0x1p-14f);
    for (Dtype dtype : List.of(Dtype.F16, Dtype.BF16, Dtype.F32)) {
      INDArray exact = dtype == Dtype.BF16 ? values.castTo(DataType.BFLOAT16) : values;
      byte[] file =
          Bytes.write(Map.of(), List.of(TensorSource.of("t", exact.castTo(DataType.FLOAT), dtype)));
      for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
        Bytes.open(file)
            .forEach(
                tensor ->
                    assertThat(tensor.load(type))
                        .isEqualTo(exact.castTo(DataType.FLOAT).castTo(type)));
      }
    }
    byte[] file = Bytes.write(Map.of(), List.of(TensorSource.of("t", Nd4j.scalar(1.0))));
    assertThatThrownBy(() -> Bytes.open(file).forEach(tensor -> tensor.load(DataType.FLOAT)))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("dtype=F64 data_type=FLOAT");
    assertThatThrownBy(() -> TensorSource.of("t", Nd4j.scalar(1.0), Dtype.F16))
        .isInstanceOf(SafetensorsException.class);
  }

  @Test
  void filesAreReadInAnyOrderAndInParts() throws IOException {
    Path path = folder.resolve("model.safetensors");
    INDArray a = numbers(DataType.FLOAT, 300, 100);
    INDArray b = numbers(DataType.INT32, 7);
    List<TensorSource> sources = List.of(TensorSource.of("a", a), TensorSource.of("b", b));
    SafetensorsHeader written = SafetensorsWriter.write(path, Map.of("k", "v"), sources);
    assertThat(SafetensorsWriter.fileLength(Map.of("k", "v"), sources))
        .isEqualTo(Files.size(path))
        .isEqualTo(written.fileLength());
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.header()).isEqualTo(written);
      assertThat(file.tensor("b").load()).isEqualTo(b);
      INDArray target = Nd4j.create(DataType.FLOAT, 40_000);
      file.tensor("a")
          .loadInto(target.get(NDArrayIndex.interval(10_000, 40_000)).reshape('c', 300, 100));
      assertThat(target.getFloat(9_999)).isZero();
      assertThat(target.getFloat(10_000)).isEqualTo(1);
      assertThat(target.getFloat(39_999)).isEqualTo(30_000);
      assertThatThrownBy(() -> file.tensor("c"))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("'c'");
      assertThatThrownBy(() -> file.tensor("a").loadInto(Nd4j.create(DataType.FLOAT, 100, 300)))
          .hasMessageContaining("expected equal shapes");
      assertThatThrownBy(
              () ->
                  file.tensor("a")
                      .loadInto(Nd4j.create(DataType.FLOAT, new long[] {300, 100}, 'f')))
          .hasMessageContaining("expected C order");
    }
    Files.write(path, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("model.safetensors");
  }

  @Test
  void typesWithoutArraysAreCopiedButNotLoaded() throws IOException {
    String header =
        "{\"u\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[0,8]},"
            + "\"f\":{\"dtype\":\"F4\",\"shape\":[2,2],\"data_offsets\":[8,10]}}";
    byte[] file = Bytes.file(header, 10);
    assertThat(Bytes.drain(file).tensors().keySet()).containsExactly("u", "f");
    assertThatThrownBy(() -> Bytes.load(file))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("dtype=U64");
  }

  @Test
  void booleansOtherThanOneBecomeOne() throws IOException {
    byte[] file =
        Bytes.file("{\"b\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3);
    file[file.length - 1] = (byte) 0x80;
    assertThat(Bytes.load(file).get("b")).isEqualTo(Nd4j.createFromArray(false, false, true));
    INDArray target = Nd4j.createFromArray(true, true, true, true, true);
    Bytes.open(file).forEach(t -> t.loadInto(target.get(NDArrayIndex.interval(1, 4))));
    assertThat(target).isEqualTo(Nd4j.createFromArray(true, false, false, true, true));
  }

  @Test
  void tensorsNotAskedForAreSkippedAndLateReadsRefused() throws IOException {
    byte[] file =
        Bytes.write(
            Map.of(),
            List.of(
                TensorSource.of("a", numbers(DataType.FLOAT, 4)),
                TensorSource.of("b", numbers(DataType.FLOAT, 2))));
    List<TensorData> visited = new ArrayList<>();
    SafetensorsReader reader = Bytes.open(file);
    reader.forEach(
        tensor -> {
          visited.add(tensor);
          if (visited.size() == 2) {
            assertThat(tensor.load().getFloat(1)).isEqualTo(2);
          }
        });
    assertThatThrownBy(() -> visited.get(0).load()).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> visited.get(1).load()).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> reader.forEach(tensor -> {}))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void writerRefusesWhatNoReaderWouldTake() {
    TensorSource a = TensorSource.of("a", Nd4j.scalar(1f));
    assertThatThrownBy(() -> Bytes.write(Map.of(), List.of(a, a)))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("name='a'");
    assertThatThrownBy(
            () -> Bytes.write(Map.of(), List.of(TensorSource.of("__metadata__", Nd4j.scalar(1f)))))
        .isInstanceOf(SafetensorsException.class);
    assertThatThrownBy(() -> Bytes.write(Map.of("k", "\uD800"), List.of()))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("surrogate");
    assertThatThrownBy(() -> Dtype.of(DataType.UTF8)).isInstanceOf(SafetensorsException.class);
    TensorSource tooShort =
        new Source("s", Dtype.F32, List.of(3L)) {
          @Override
          public void writeTo(WritableByteChannel out) throws IOException {
            out.write(ByteBuffer.allocate(8));
          }
        };
    assertThatThrownBy(() -> Bytes.write(Map.of(), List.of(tooShort)))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("written=8, expected 12");
    Source huge = new Source("h", Dtype.F64, List.of(Long.MAX_VALUE / 64));
    Source huge2 = new Source("h2", Dtype.F64, huge.shape());
    List<TensorSource> tooLong = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      tooLong.add(new Source("h" + i, Dtype.F64, huge2.shape()));
    }
    assertThatThrownBy(() -> SafetensorsWriter.fileLength(Map.of(), tooLong))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("2^63");
  }

  @Test
  void streamIsLeftOpenBehindTheFile() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    WritableByteChannel channel = Channels.newChannel(out);
    SafetensorsWriter.write(channel, Map.of(), List.of());
    assertThat(channel.isOpen()).isTrue();
    assertThat(out.size()).isEqualTo(16);
  }

  /** A source that writes zeros. */
  private static class Source implements TensorSource {
    private final String name;
    private final Dtype dtype;
    private final List<Long> shape;

    Source(String name, Dtype dtype, List<Long> shape) {
      this.name = name;
      this.dtype = dtype;
      this.shape = shape;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Dtype dtype() {
      return dtype;
    }

    @Override
    public List<Long> shape() {
      return shape;
    }

    @Override
    public void writeTo(WritableByteChannel out) throws IOException {
      throw new UnsupportedOperationException(name);
    }
  }
}

package org.talespark.zoo.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The header's JSON, to and from bytes. */
final class HeaderJson {
  /** Headers align the data behind them to this many bytes. */
  private static final int ALIGNMENT = 8;

  /** No framework has tensors of more dimensions; a hostile header could name millions. */
  private static final int MAX_RANK = 64;

  private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .build();

  /**
   * A header's content.
   *
   * @param tensors in the order of their bytes
   */
  record Parsed(Map<String, String> metadata, List<TensorInfo> tensors) {}

  private HeaderJson() {}

  static Parsed parse(byte[] json) {
    String text = decode(json);
    if (!text.startsWith("{")) {
      throw refused("first byte", text.isEmpty() ? "none" : "0x%02x".formatted(json[0]), "'{'");
    }
    try (JsonParser parser = JSON.createParser(text)) {
      parser.nextToken();
      Parsed parsed = new Document(parser).read();
      JsonToken behind = parser.nextToken();
      if (behind != null) {
        throw refused("content behind the object", behind.toString(), "white space only");
      }
      return parsed;
    } catch (JsonProcessingException e) {
      throw new SafetensorsException(
          "Cannot read safetensors header: json=%s, expected one JSON object"
              .formatted(Names.quote(String.valueOf(e.getOriginalMessage()))),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String decode(byte[] json) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
    } catch (CharacterCodingException e) {
      throw new SafetensorsException(
          "Cannot read safetensors header: encoding=%s, expected valid UTF-8"
              .formatted(e.getMessage()),
          e);
    }
  }

  private static SafetensorsException refused(String key, String value, String expected) {
    return new SafetensorsException(
        "Cannot read safetensors header: %s=%s, expected %s".formatted(key, value, expected));
  }

  /** One pass over the tokens; duplicates are refused wherever they stand. */
  private static final class Document {
    private final JsonParser parser;

    Document(JsonParser parser) {
      this.parser = parser;
    }

    Parsed read() throws IOException {
      Map<String, String> metadata = Map.of();
      List<TensorInfo> tensors = new ArrayList<>();
      Set<String> names = new HashSet<>();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = unicode("name", parser.currentName());
        if (!names.add(name)) {
          throw refused("duplicate key", Names.quote(name), "every name once");
        }
        parser.nextToken();
        if (name.equals(SafetensorsHeader.METADATA_KEY)) {
          metadata = metadata();
        } else {
          tensors.add(tensor(name));
        }
      }
      tensors.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
      return new Parsed(metadata, tensors);
    }

    private Map<String, String> metadata() throws IOException {
      String where = SafetensorsHeader.METADATA_KEY;
      if (parser.currentToken() == JsonToken.VALUE_NULL) {
        return Map.of(); // as upstream, where the map is optional
      }
      require(where, "value", JsonToken.START_OBJECT, "an object of strings");
      Map<String, String> metadata = new TreeMap<>(Names.UTF8_ORDER);
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = unicode(where, parser.currentName());
        parser.nextToken();
        require(where, Names.quote(key), JsonToken.VALUE_STRING, "a string");
        if (metadata.put(key, unicode(where, parser.getText())) != null) {
          throw refused(where + " duplicate key", Names.quote(key), "every key once");
        }
      }
      return metadata;
    }

    private TensorInfo tensor(String name) throws IOException {
      require(name, "value", JsonToken.START_OBJECT, "an object with dtype, shape, data_offsets");
      Dtype dtype = null;
      List<Long> shape = null;
      List<Long> offsets = null;
      Set<String> keys = new HashSet<>();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        if (!keys.add(key)) {
          throw refused(
              "tensor=%s duplicate key".formatted(Names.quote(name)),
              Names.quote(key),
              "every key once");
        }
        parser.nextToken();
        switch (key) {
          case "dtype" -> {
            require(name, key, JsonToken.VALUE_STRING, "a string");
            dtype = Dtype.parse(name, parser.getText());
          }
          case "shape" -> shape = numbers(name, key, MAX_RANK);
          case "data_offsets" -> offsets = numbers(name, key, 2);
          default -> parser.skipChildren(); // as upstream: later versions may say more
        }
      }
      if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
        throw refused(
            "tensor=%s dtype=%s shape=%s data_offsets".formatted(Names.quote(name), dtype, shape),
            String.valueOf(offsets),
            "all three keys, and two offsets");
      }
      return new TensorInfo(name, dtype, shape, offsets.get(0), offsets.get(1));
    }

    private List<Long> numbers(String name, String key, int atMost) throws IOException {
      require(name, key, JsonToken.START_ARRAY, "an array of whole numbers");
      List<Long> numbers = new ArrayList<>(4);
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        require(name, key, JsonToken.VALUE_NUMBER_INT, "whole numbers");
        String digits = parser.getText();
        BigInteger value = new BigInteger(digits);
        if (digits.startsWith("-") || value.compareTo(MAX_LONG) > 0 || numbers.size() == atMost) {
          throw refused(
              "tensor=%s %s[%d]".formatted(Names.quote(name), key, numbers.size()),
              Names.quote(digits),
              "at most %d numbers from 0 to 2^63-1".formatted(atMost));
        }
        numbers.add(value.longValue());
      }
      return numbers;
    }

    private void require(String name, String key, JsonToken token, String expected)
        throws IOException {
      if (parser.currentToken() != token) {
        throw refused(
            "tensor=%s %s".formatted(Names.quote(name), key),
            Names.quote(String.valueOf(parser.getText())),
            expected);
      }
    }

    private static String unicode(String key, String text) {
      if (!Names.isUnicode(text)) {
        throw refused(key, Names.quote(text), "no half of a surrogate pair");
      }
      return text;
    }
  }

  /**
   * The header of a new file, padded with spaces.
   *
   * @param metadata written sorted, left out when empty
   * @param tensors in the order of their bytes
   */
  static byte[] encode(Map<String, String> metadata, Collection<TensorInfo> tensors) {
    StringBuilder json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      Map<String, String> sorted = new TreeMap<>(Names.UTF8_ORDER);
      sorted.putAll(metadata);
      string(json, SafetensorsHeader.METADATA_KEY).append(":{");
      sorted.forEach(
          (key, value) -> {
            separate(json);
            string(json, key).append(':');
            string(json, value);
          });
      json.append('}');
    }
    for (TensorInfo info : tensors) {
      separate(json);
      string(json, info.name()).append(":{\"dtype\":\"").append(info.dtype());
      json.append("\",\"shape\":[");
      for (int i = 0; i < info.shape().size(); i++) {
        json.append(i == 0 ? "" : ",").append(info.shape().get(i));
      }
      json.append("],\"data_offsets\":[").append(info.begin()).append(',').append(info.end());
      json.append("]}");
    }
    byte[] bytes = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    int padded = Math.addExact(bytes.length, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (padded > SafetensorsHeader.MAX_HEADER_BYTES) {
      throw new SafetensorsException(
          "Cannot write safetensors header: header_length=%d tensors=%d, expected at most %d bytes; try several files"
              .formatted(padded, tensors.size(), SafetensorsHeader.MAX_HEADER_BYTES));
    }
    byte[] header = Arrays.copyOf(bytes, padded);
    Arrays.fill(header, bytes.length, padded, (byte) ' ');
    return header;
  }

  private static void separate(StringBuilder json) {
    if (json.charAt(json.length() - 1) != '{') {
      json.append(',');
    }
  }

  /** Escapes what JSON must have escaped, in the short form where there is one, as upstream. */
  private static StringBuilder string(StringBuilder json, String text) {
    if (!Names.isUnicode(text)) {
      throw new SafetensorsException(
          "Cannot write safetensors header: text=%s, expected no half of a surrogate pair"
              .formatted(Names.quote(text)));
    }
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> json.append("\\\"");
        case '\\' -> json.append("\\\\");
        case '\b' -> json.append("\\b");
        case '\f' -> json.append("\\f");
        case '\n' -> json.append("\\n");
        case '\r' -> json.append("\\r");
        case '\t' -> json.append("\\t");
        default -> {
          if (c < ' ') {
            json.append("\\u%04x".formatted((int) c));
          } else {
            json.append(c);
          }
        }
      }
    }
    return json.append('"');
  }
}

package org.talespark.data.tokenizer;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes {@code tokenizer.json} as Hugging Face's tokenizers library does for GPT-2's kind: model
 * BPE with pre-tokenizer and decoder ByteLevel. The same vocabulary always gives the same bytes.
 */
final class TokenizerJson {

  private static final ObjectMapper JSON = new ObjectMapper();

  private TokenizerJson() {}

  static byte[] write(Bpe bpe) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Writer writer = new OutputStreamWriter(bytes, StandardCharsets.UTF_8);
        JsonGenerator json = JSON.getFactory().createGenerator(writer)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      json.writeStringField("version", "1.0");
      json.writeNullField("truncation");
      json.writeNullField("padding");
      addedTokens(json, bpe.special());
      json.writeNullField("normalizer");
      byteLevel(json, "pre_tokenizer");
      postProcessor(json, bpe.special());
      byteLevel(json, "decoder");
      model(json, bpe);
      json.writeEndObject();
      json.writeRaw('\n');
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write tokenizer", e);
    }
    return bytes.toByteArray();
  }

  private static void addedTokens(JsonGenerator json, List<String> special) throws IOException {
    json.writeArrayFieldStart("added_tokens");
    for (int id = 0; id < special.size(); id++) {
      json.writeStartObject();
      json.writeNumberField("id", id);
      json.writeStringField("content", special.get(id));
      json.writeBooleanField("single_word", false);
      json.writeBooleanField("lstrip", false);
      json.writeBooleanField("rstrip", false);
      json.writeBooleanField("normalized", false);
      json.writeBooleanField("special", true);
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void byteLevel(JsonGenerator json, String name) throws IOException {
    json.writeObjectFieldStart(name);
    json.writeStringField("type", "ByteLevel");
    json.writeBooleanField("add_prefix_space", false);
    json.writeBooleanField("trim_offsets", true);
    json.writeBooleanField("use_regex", true);
    json.writeEndObject();
  }

  /** {@code <bos> A <eos>}, and {@code <bos> A <eos> <bos> B <eos>} for two texts. */
  private static void postProcessor(JsonGenerator json, List<String> special) throws IOException {
    boolean bos = special.contains(TokenizerConfig.BOS);
    boolean eos = special.contains(TokenizerConfig.EOS);
    if (!bos && !eos) {
      json.writeNullField("post_processor");
      return;
    }
    json.writeObjectFieldStart("post_processor");
    json.writeStringField("type", "TemplateProcessing");
    json.writeArrayFieldStart("single");
    sequence(json, "A", 0, bos, eos);
    json.writeEndArray();
    json.writeArrayFieldStart("pair");
    sequence(json, "A", 0, bos, eos);
    sequence(json, "B", 1, bos, eos);
    json.writeEndArray();
    json.writeObjectFieldStart("special_tokens");
    for (String name : List.of(TokenizerConfig.BOS, TokenizerConfig.EOS)) {
      if (special.contains(name)) {
        json.writeObjectFieldStart(name);
        json.writeStringField("id", name);
        json.writeArrayFieldStart("ids");
        json.writeNumber(special.indexOf(name));
        json.writeEndArray();
        json.writeArrayFieldStart("tokens");
        json.writeString(name);
        json.writeEndArray();
        json.writeEndObject();
      }
    }
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void sequence(
      JsonGenerator json, String sequence, int type, boolean bos, boolean eos) throws IOException {
    if (bos) {
      piece(json, "SpecialToken", TokenizerConfig.BOS, type);
    }
    piece(json, "Sequence", sequence, type);
    if (eos) {
      piece(json, "SpecialToken", TokenizerConfig.EOS, type);
    }
  }

  private static void piece(JsonGenerator json, String kind, String id, int type)
      throws IOException {
    json.writeStartObject();
    json.writeObjectFieldStart(kind);
    json.writeStringField("id", id);
    json.writeNumberField("type_id", type);
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void model(JsonGenerator json, Bpe bpe) throws IOException {
    json.writeObjectFieldStart("model");
    json.writeStringField("type", "BPE");
    json.writeNullField("dropout");
    json.writeNullField("unk_token");
    json.writeNullField("continuing_subword_prefix");
    json.writeNullField("end_of_word_suffix");
    json.writeBooleanField("fuse_unk", false);
    json.writeBooleanField("byte_fallback", false);
    json.writeBooleanField("ignore_merges", false);
    json.writeObjectFieldStart("vocab");
    int id = 0;
    for (String name : bpe.special()) {
      json.writeNumberField(name, id++);
    }
    for (String token : bpe.tokens()) {
      json.writeNumberField(token, id++);
    }
    json.writeEndObject();
    json.writeArrayFieldStart("merges");
    for (Bpe.Merge merge : bpe.merges()) { // no token holds a space
      json.writeString(merge.left() + " " + merge.right());
    }
    json.writeEndArray();
    json.writeEndObject();
  }
}

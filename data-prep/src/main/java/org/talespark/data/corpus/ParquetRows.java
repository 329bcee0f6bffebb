package org.talespark.data.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.Type;

/** Rows of Parquet as JSON, lists as arrays; without the picture's bytes. */
final class ParquetRows {

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final ParquetColumns columns;
  private final int mostText;

  /**
   * Reads rows of these columns.
   *
   * @param mostText bytes that a text may have; longer ones are left out
   */
  ParquetRows(ParquetColumns columns, int mostText) {
    this.columns = columns;
    this.mostText = mostText;
  }

  /** The picture's bytes, or null. */
  Binary picture(Group row) {
    if (!columns.bytes()) {
      return null;
    }
    int field = row.getType().getFieldIndex(columns.picture());
    if (row.getFieldRepetitionCount(field) == 0) {
      return null;
    }
    if (row.getType().getType(field).isPrimitive()) {
      return row.getBinary(field, 0);
    }
    Group struct = row.getGroup(field, 0);
    int bytes = struct.getType().getFieldIndex("bytes");
    return struct.getFieldRepetitionCount(bytes) == 0 ? null : struct.getBinary(bytes, 0);
  }

  /** Whether a text, most likely a caption, is longer than may be held. */
  boolean tooLong(Group row) {
    for (String name : Columns.CAPTIONS) {
      String column =
          Columns.find(
              List.of(name), row.getType().getFields().stream().map(Type::getName).toList());
      if (column != null && longest(row, row.getType().getFieldIndex(column)) > mostText) {
        return true;
      }
    }
    return false;
  }

  private static int longest(Group group, int field) {
    int longest = 0;
    Type type = group.getType().getType(field);
    for (int i = 0; i < group.getFieldRepetitionCount(field); i++) {
      if (!type.isPrimitive()) {
        Group inner = group.getGroup(field, i);
        for (int j = 0; j < inner.getType().getFieldCount(); j++) {
          longest = Math.max(longest, longest(inner, j));
        }
      } else if (isText(type)) {
        longest = Math.max(longest, group.getBinary(field, i).length());
      }
    }
    return longest;
  }

  /** All fields but the picture's bytes. */
  ObjectNode fields(Group row) {
    ObjectNode fields = JSON.objectNode();
    for (int i = 0; i < row.getType().getFieldCount(); i++) {
      Type type = row.getType().getType(i);
      if (type.getName().equals(columns.picture()) && columns.bytes()) {
        // a structure's path serves where its bytes are missing
        if (!type.isPrimitive() && picture(row) == null) {
          fields.set(type.getName(), path(row, i));
        }
      } else {
        JsonNode value = value(row, i);
        if (value != null) {
          fields.set(type.getName(), value);
        }
      }
    }
    return fields;
  }

  private JsonNode path(Group row, int field) {
    ObjectNode path = JSON.objectNode();
    if (row.getFieldRepetitionCount(field) > 0) {
      Group struct = row.getGroup(field, 0);
      if (struct.getType().containsField("path")) {
        JsonNode value = value(struct, struct.getType().getFieldIndex("path"));
        if (value != null) {
          path.set("path", value);
        }
      }
    }
    return path;
  }

  private JsonNode value(Group group, int field) {
    Type type = group.getType().getType(field);
    int count = group.getFieldRepetitionCount(field);
    if (type.isRepetition(Type.Repetition.REPEATED)) {
      ArrayNode values = JSON.arrayNode();
      for (int i = 0; i < count; i++) {
        values.add(one(group, field, i));
      }
      return values;
    }
    return count == 0 ? null : one(group, field, 0);
  }

  private JsonNode one(Group group, int field, int index) {
    Type type = group.getType().getType(field);
    if (!type.isPrimitive()) {
      return structure(group.getGroup(field, index));
    }
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BOOLEAN -> JSON.booleanNode(group.getBoolean(field, index));
      case INT32 -> JSON.numberNode(group.getInteger(field, index));
      case INT64 -> JSON.numberNode(group.getLong(field, index));
      case FLOAT -> JSON.numberNode(group.getFloat(field, index));
      case DOUBLE -> JSON.numberNode(group.getDouble(field, index));
      case BINARY -> text(group.getBinary(field, index));
      case INT96, FIXED_LEN_BYTE_ARRAY -> JSON.nullNode();
    };
  }

  private JsonNode text(Binary text) {
    return text.length() > mostText
        ? JSON.nullNode()
        : JSON.textNode(RawText.decode(text.getBytes()));
  }

  /** A structure, or the array that a list's structure of one repeated field stands for. */
  private JsonNode structure(Group group) {
    GroupType type = group.getType();
    boolean list =
        type.getLogicalTypeAnnotation() instanceof LogicalTypeAnnotation.ListLogicalTypeAnnotation
            && type.getFieldCount() == 1;
    if (list) {
      ArrayNode values = JSON.arrayNode();
      JsonNode repeated = value(group, 0);
      if (repeated != null) {
        boolean wrapped = isWrapper(type.getType(0));
        for (JsonNode value : repeated) {
          values.add(wrapped ? inner(value) : value);
        }
      }
      return values;
    }
    ObjectNode fields = JSON.objectNode();
    for (int i = 0; i < type.getFieldCount(); i++) {
      JsonNode value = value(group, i);
      if (value != null) {
        fields.set(type.getFieldName(i), value);
      }
    }
    return fields;
  }

  private static boolean isWrapper(Type repeated) {
    return !repeated.isPrimitive() && repeated.asGroupType().getFieldCount() == 1;
  }

  private static JsonNode inner(JsonNode wrapper) {
    return wrapper.isEmpty() ? JSON.nullNode() : wrapper.elements().next();
  }

  private static boolean isText(Type type) {
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BINARY -> true;
      case BOOLEAN, INT32, INT64, FLOAT, DOUBLE, INT96, FIXED_LEN_BYTE_ARRAY -> false;
    };
  }
}

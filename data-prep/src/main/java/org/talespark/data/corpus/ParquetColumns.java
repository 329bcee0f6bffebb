package org.talespark.data.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.talespark.data.BadInputException;

/**
 * Which columns of a Parquet file are read.
 *
 * @param schema of what is read: the picture, captions, key and all that can be metadata
 * @param picture the picture's column
 * @param bytes whether it holds bytes, itself or in a structure with a field {@code bytes}
 */
record ParquetColumns(MessageType schema, String picture, boolean bytes) {

  /**
   * Chooses columns by their usual names.
   *
   * @param source the file, for errors
   * @throws BadInputException when there is no picture or no caption among them
   */
  static ParquetColumns of(MessageType all, String source) {
    List<String> names = all.getFields().stream().map(Type::getName).toList();
    Type picture = null;
    for (String usual : Columns.PICTURES) {
      String column = Columns.find(List.of(usual), names);
      if (picture == null && column != null && isPicture(all.getType(column))) {
        picture = all.getType(column);
      }
    }
    if (picture == null) {
      throw new BadInputException(Columns.missing("pictures", source, names, Columns.PICTURES));
    }
    if (Columns.find(Columns.CAPTIONS, names) == null) {
      throw new BadInputException(Columns.missing("captions", source, names, Columns.CAPTIONS));
    }
    List<Type> read = new ArrayList<>();
    for (Type field : all.getFields()) {
      if (field.getName().equals(picture.getName())) {
        read.add(
            field.isPrimitive()
                ? field
                : field.asGroupType().withNewFields(parts(field.asGroupType())));
      } else if (isText(field)) {
        read.add(field);
      }
    }
    return new ParquetColumns(
        new MessageType(all.getName(), read), picture.getName(), hasBytes(picture));
  }

  private static boolean isPicture(Type field) {
    if (field.isRepetition(Type.Repetition.REPEATED)) {
      return false;
    }
    return field.isPrimitive() ? isBinary(field) : !parts(field.asGroupType()).isEmpty();
  }

  private static List<Type> parts(GroupType struct) {
    return struct.getFields().stream()
        .filter(part -> part.getName().equals("bytes") || part.getName().equals("path"))
        .filter(part -> part.isPrimitive() && isBinary(part))
        .filter(part -> !part.isRepetition(Type.Repetition.REPEATED))
        .toList();
  }

  private static boolean isBinary(Type field) {
    return field.asPrimitiveType().getPrimitiveTypeName() == PrimitiveTypeName.BINARY;
  }

  private static boolean hasBytes(Type picture) {
    if (!picture.isPrimitive()) {
      return picture.asGroupType().containsField("bytes");
    }
    String name = picture.getName().toLowerCase(Locale.ROOT);
    return !(isString(picture.asPrimitiveType()) || name.contains("path") || name.contains("file"));
  }

  static boolean isString(PrimitiveType type) {
    LogicalTypeAnnotation annotation = type.getLogicalTypeAnnotation();
    return annotation instanceof LogicalTypeAnnotation.StringLogicalTypeAnnotation
        || annotation instanceof LogicalTypeAnnotation.EnumLogicalTypeAnnotation
        || annotation instanceof LogicalTypeAnnotation.JsonLogicalTypeAnnotation;
  }

  /** Whether a column can be text or numbers all through; raw bytes are not read. */
  private static boolean isText(Type field) {
    if (!field.isPrimitive()) {
      return field.asGroupType().getFields().stream().allMatch(ParquetColumns::isText);
    }
    PrimitiveType type = field.asPrimitiveType();
    return switch (type.getPrimitiveTypeName()) {
      case BOOLEAN, INT32, INT64, FLOAT, DOUBLE -> true;
      case BINARY -> isString(type) || Columns.CAPTIONS.contains(type.getName());
      case INT96, FIXED_LEN_BYTE_ARRAY -> false;
    };
  }
}

package org.talespark.jobs.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.InvalidTypeIdException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.talespark.zoo.io.Nearest;

/** Says in a user's words why a tree does not fit a record. */
final class BindingFailure {

  private final ConfigTree tree;
  private final Class<?> type;

  BindingFailure(ConfigTree tree, Class<?> type) {
    this.tree = tree;
    this.type = type;
  }

  IllegalArgumentException translate(JsonProcessingException failure) {
    String path =
        failure instanceof JsonMappingException mapping ? KeyPath.of(mapping.getPath()) : "";
    return new IllegalArgumentException(message(failure, path), failure);
  }

  private String message(JsonProcessingException failure, String path) {
    if (failure instanceof UnrecognizedPropertyException unknown) {
      return unknown(unknown, path);
    }
    if (failure instanceof InvalidTypeIdException alternative) {
      return alternative(alternative, path);
    }
    if (failure instanceof ValueInstantiationException refused) {
      return refused(refused, path);
    }
    if (failure instanceof MismatchedInputException mismatch) {
      return mismatch(mismatch, path);
    }
    if (failure.getCause() instanceof InputCoercionException outOfRange) {
      return "Cannot use configuration: %s=%s (from %s), expected %s that fits into %s"
          .formatted(
              path,
              tree.at(path).map(JsonNode::toString).orElse(""),
              tree.origin(path),
              words(outOfRange.getTargetType()),
              outOfRange.getTargetType().getSimpleName());
    }
    return "Cannot use configuration: %s (from %s); %s"
        .formatted(path, tree.origin(path), failure.getOriginalMessage());
  }

  private String unknown(UnrecognizedPropertyException failure, String path) {
    List<String> siblings =
        failure.getKnownPropertyIds() == null
            ? List.of()
            : failure.getKnownPropertyIds().stream().map(Object::toString).sorted().toList();
    String parent = KeyPath.parent(path);
    Optional<String> nearest =
        elsewhere(path)
            .or(() -> Nearest.to(KeyPath.name(path), siblings).map(n -> KeyPath.child(parent, n)));
    return "Cannot use configuration: unknown key %s (from %s), expected %s%s"
        .formatted(
            path,
            tree.origin(path),
            siblings.isEmpty() ? "no keys here" : "one of " + siblings,
            didYouMean(nearest));
  }

  /** The same name in another place, as when {@code steps} was written for {@code train.steps}. */
  private Optional<String> elsewhere(String path) {
    List<String> same =
        KnownKeys.of(type).stream()
            .filter(known -> KeyPath.name(known).equals(KeyPath.name(path)))
            .toList();
    return same.size() == 1 ? Optional.of(same.get(0)) : Optional.empty();
  }

  private String alternative(InvalidTypeIdException failure, String path) {
    Class<?> base = failure.getBaseType().getRawClass();
    List<String> names =
        Yaml.MAPPER
            .getSubtypeResolver()
            .collectAndResolveSubtypesByTypeId(
                Yaml.MAPPER.getDeserializationConfig(),
                Yaml.MAPPER
                    .getDeserializationConfig()
                    .introspectClassAnnotations(base)
                    .getClassInfo())
            .stream()
            .filter(named -> named.hasName() && !named.getType().isInterface())
            .map(named -> named.getName())
            .sorted()
            .toList();
    String key = KeyPath.child(path, "type");
    if (failure.getTypeId() == null) {
      return "Cannot use configuration: missing %s (from %s), expected one of %s"
          .formatted(key, tree.origin(path), names);
    }
    return "Cannot use configuration: %s=%s (from %s), expected one of %s%s"
        .formatted(
            key,
            failure.getTypeId(),
            tree.origin(key),
            names,
            didYouMean(Nearest.to(failure.getTypeId(), names)));
  }

  private String refused(ValueInstantiationException failure, String path) {
    Throwable cause = failure.getCause();
    String said =
        cause == null
            ? failure.getOriginalMessage()
            : Objects.requireNonNullElse(cause.getMessage(), cause.getClass().getSimpleName());
    return path.isEmpty() ? said : "%s (in %s)".formatted(said, path);
  }

  private String mismatch(MismatchedInputException failure, String path) {
    Class<?> target = failure.getTargetType();
    Optional<JsonNode> value = tree.at(path);
    if (value.isEmpty()) {
      return "Cannot use configuration: missing %s, expected %s; try --set %s=VALUE"
          .formatted(path, words(target), path);
    }
    Object shown =
        failure instanceof InvalidFormatException format ? format.getValue() : value.get();
    Optional<String> nearest =
        target != null && target.isEnum()
            ? Nearest.to(String.valueOf(shown).replace("\"", ""), constants(target))
            : Optional.empty();
    return "Cannot use configuration: %s=%s (from %s), expected %s%s"
        .formatted(path, shown, tree.origin(path), words(target), didYouMean(nearest));
  }

  private static String words(Class<?> target) {
    if (target == null) {
      return "another type";
    }
    if (target.isEnum()) {
      return "one of " + constants(target);
    }
    if (target.isRecord() || (target.isInterface() && target.isSealed())) {
      return "a mapping of keys to values";
    }
    if (Collection.class.isAssignableFrom(target) || target.isArray()) {
      return "a list";
    }
    return switch (target.getSimpleName()) {
      case "int", "Integer", "long", "Long", "short", "Short", "byte", "Byte" -> "a whole number";
      case "double", "Double", "float", "Float" -> "a number";
      case "boolean", "Boolean" -> "true or false";
      case "String" -> "text";
      default -> "a value of type " + target.getSimpleName();
    };
  }

  private static Collection<String> constants(Class<?> target) {
    return new TreeSet<>(
        Stream.of(target.getEnumConstants())
            .map(constant -> Yaml.MAPPER.valueToTree(constant).asText().toLowerCase(Locale.ROOT))
            .toList());
  }

  private static String didYouMean(Optional<String> nearest) {
    return nearest.map(name -> "; did you mean " + name + "?").orElse("");
  }
}

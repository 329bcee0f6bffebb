package org.talespark.jobs.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.talespark.zoo.io.Nearest;

/**
 * A merged configuration that remembers where each key came from.
 *
 * <p>Layers are added from the weakest to the strongest; a later one overrides an earlier one key
 * by key:
 *
 * <ol>
 *   <li>a recipe: a class-path resource {@code recipes/NAME.yaml} or a file;
 *   <li>configuration files;
 *   <li>assignments {@code path.to.key=value}, the value read as YAML;
 *   <li>dedicated options of a command.
 * </ol>
 *
 * Objects merge key by key, everything else is replaced. An object that changes its {@code type} is
 * replaced as a whole, since the keys of one alternative mean nothing to another. A null removes
 * the key.
 */
public final class ConfigTree {

  private final ObjectNode root;
  private final Map<String, String> origins;

  private ConfigTree(ObjectNode root, Map<String, String> origins) {
    this.root = root;
    this.origins = origins;
  }

  /** Starts with an empty configuration. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * A resolved configuration record as YAML, keys in snake case, in the order of its components.
   */
  public static String toYaml(Object resolved) {
    try {
      return Yaml.MAPPER.writeValueAsString(resolved);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(
          "Cannot write configuration: type=" + resolved.getClass().getName(), e);
    }
  }

  /**
   * The tree as a record of the given type. Every key must be known, every value of the right type,
   * every primitive present, and every record content with its values.
   *
   * @throws IllegalArgumentException naming key, value, origin and what was expected
   */
  public <T> T bind(Class<T> type) {
    Objects.requireNonNull(type, "type");
    try {
      T bound = Yaml.MAPPER.treeToValue(root, type);
      return Objects.requireNonNull(bound, "bound");
    } catch (JsonProcessingException e) {
      throw new BindingFailure(this, type).translate(e);
    }
  }

  /** The value at a dotted path such as {@code data.sizes[2]}, if there is one. */
  public Optional<JsonNode> at(String path) {
    JsonNode node = root;
    for (String key : path.replaceAll("\\[(\\d+)]", ".$1").split("\\.", -1)) {
      node =
          key.matches("\\d{1,9}") && node.isArray()
              ? node.path(Integer.parseInt(key))
              : node.path(key);
    }
    return node.isMissingNode() || node.isNull() ? Optional.empty() : Optional.of(node);
  }

  /** Where a key came from: the file, option or recipe that set it last. */
  public String origin(String path) {
    for (String p = path.replaceAll("\\[.*", ""); !p.isEmpty(); p = KeyPath.parent(p)) {
      if (origins.containsKey(p)) {
        return origins.get(p);
      }
    }
    return "the recipe and options together";
  }

  @Override
  public String toString() {
    return toYaml(root);
  }

  /** Collects the layers. */
  public static final class Builder {

    private static final String RECIPES = "recipes/";

    private final ObjectNode root = Yaml.MAPPER.createObjectNode();
    private final Map<String, String> origins = new HashMap<>();

    private Builder() {}

    /**
     * Adds a recipe: a file when the word names one or ends in {@code .yaml} or {@code .yml},
     * otherwise the built-in recipe of that name.
     *
     * @param nameOrFile a built-in name such as {@code vqgan}, or a path
     * @param builtIn the names of the built-in recipes, to suggest one
     */
    public Builder recipe(String nameOrFile, Collection<String> builtIn) {
      String resource = RECIPES + nameOrFile + ".yaml";
      if (nameOrFile.matches("[A-Za-z0-9_-]+") && find(resource) != null) {
        return resource(resource);
      }
      Path file = Path.of(nameOrFile);
      if (Files.exists(file) || nameOrFile.matches(".*(\\.ya?ml|/.*)")) {
        return file(file);
      }
      throw new IllegalArgumentException(
          "Cannot find recipe: recipe=%s, expected a YAML file or one of %s%s"
              .formatted(
                  nameOrFile,
                  new TreeSet<>(builtIn),
                  Nearest.to(nameOrFile, builtIn)
                      .map(n -> "; did you mean " + n + "?")
                      .orElse("")));
    }

    /** Adds a YAML file from the class path. */
    public Builder resource(String path) {
      try (InputStream in = find(path)) {
        if (in == null) {
          throw new IllegalArgumentException(
              "Cannot read configuration: resource=%s, expected it on the class path"
                  .formatted(path));
        }
        return merge("resource " + path, in.readAllBytes());
      } catch (IOException e) {
        throw new IllegalArgumentException("Cannot read configuration: resource=" + path, e);
      }
    }

    /** Adds YAML text that came from somewhere, to be named in errors. */
    public Builder yaml(String origin, String text) {
      try {
        return merge(origin, text.getBytes(StandardCharsets.UTF_8));
      } catch (IOException e) {
        throw new IllegalArgumentException("Cannot read configuration: " + origin, e);
      }
    }

    /** Adds a YAML file. */
    public Builder file(Path file) {
      if (!Files.isRegularFile(file)) {
        throw new IllegalArgumentException(
            "Cannot read configuration: file=%s, expected a readable YAML file".formatted(file));
      }
      try {
        return merge("file " + file, Files.readAllBytes(file));
      } catch (IOException e) {
        throw new IllegalArgumentException(
            "Cannot read configuration: file=%s, expected a readable YAML file".formatted(file), e);
      }
    }

    /** Adds one assignment, {@code path.to.key=value}, its value read as YAML. */
    public Builder set(String assignment) {
      int equals = assignment.indexOf('=');
      if (equals <= 0) {
        throw new IllegalArgumentException(
            "Cannot read assignment: --set %s, expected path.to.key=value".formatted(assignment));
      }
      String path = assignment.substring(0, equals).strip();
      String text = assignment.substring(equals + 1);
      String origin = "--set " + assignment;
      try {
        JsonNode value = Yaml.MAPPER.readTree(text);
        return assign(origin, path, value.isMissingNode() ? Yaml.MAPPER.nullNode() : value);
      } catch (JsonProcessingException e) {
        throw new IllegalArgumentException(
            "Cannot read assignment: %s, expected a YAML value; %s"
                .formatted(origin, e.getOriginalMessage()),
            e);
      }
    }

    /**
     * Adds a dedicated option; a null value means that the option was not given and adds nothing.
     *
     * @param option the option as the user wrote it, such as {@code --workers}
     * @param path the key that it sets
     */
    public Builder option(String option, String path, Object value) {
      return value == null ? this : assign(option, path, Yaml.MAPPER.valueToTree(value));
    }

    /** The merged tree. */
    public ConfigTree build() {
      return new ConfigTree(root.deepCopy(), Map.copyOf(origins));
    }

    private Builder merge(String origin, byte[] yaml) throws IOException {
      JsonNode tree;
      try {
        tree = Yaml.MAPPER.readTree(yaml);
      } catch (JsonProcessingException e) {
        throw new IllegalArgumentException(
            "Cannot read configuration: %s line=%d, expected valid YAML; %s"
                .formatted(
                    origin,
                    e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                    e.getOriginalMessage().lines().findFirst().orElse("")),
            e);
      }
      if (tree.isMissingNode() || tree.isNull()) {
        return this; // an empty file
      }
      if (!tree.isObject()) {
        throw new IllegalArgumentException(
            "Cannot read configuration: %s, expected a mapping of keys to values"
                .formatted(origin));
      }
      mergeInto(root, (ObjectNode) tree, "", origin);
      return this;
    }

    private Builder assign(String origin, String path, JsonNode value) {
      String[] keys = path.split("\\.", -1);
      ObjectNode tree = Yaml.MAPPER.createObjectNode();
      ObjectNode node = tree;
      for (int i = 0; i < keys.length; i++) {
        if (!keys[i].matches("[A-Za-z0-9_-]+")) {
          throw new IllegalArgumentException(
              "Cannot read assignment: %s key=%s, expected words joined by dots"
                  .formatted(origin, path));
        }
        if (i < keys.length - 1) {
          node = node.putObject(keys[i]);
        } else {
          node.set(keys[i], value);
        }
      }
      mergeInto(root, tree, "", origin);
      return this;
    }

    private void mergeInto(ObjectNode into, ObjectNode from, String path, String origin) {
      boolean otherKind =
          into.hasNonNull("type")
              && from.hasNonNull("type")
              && !into.get("type").equals(from.get("type"));
      if (otherKind) {
        into.removeAll();
      }
      from.fields()
          .forEachRemaining(
              entry -> {
                String key = entry.getKey();
                JsonNode value = entry.getValue();
                String at = KeyPath.child(path, key);
                if (value.isNull()) {
                  into.remove(key);
                } else if (value.isObject()) {
                  ObjectNode child =
                      into.get(key) instanceof ObjectNode object ? object : into.putObject(key);
                  mergeInto(child, (ObjectNode) value, at, origin);
                } else {
                  into.set(key, value);
                }
                origins.put(at, origin);
              });
    }

    private static InputStream find(String resource) {
      return ConfigTree.class.getClassLoader().getResourceAsStream(resource);
    }
  }
}

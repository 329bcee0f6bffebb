package org.talespark.zoo.lora;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.talespark.zoo.io.Nearest;

/**
 * Which linear layers have adapters, by PEFT's rules: a list names layers by their whole names or
 * by the last parts of these ({@code q_proj}, {@code self_attn.q_proj}); a string is a regular
 * expression of whole names.
 */
public final class TargetModules {
  private static final int SHOWN = 5;

  private final List<String> names; // empty for a pattern
  private final Pattern pattern; // null for names

  private TargetModules(List<String> names, Pattern pattern) {
    this.names = List.copyOf(names);
    this.pattern = pattern;
  }

  /** Layers by their names, or the last parts of these. */
  public static TargetModules named(List<String> names) {
    if (names.isEmpty() || names.stream().anyMatch(String::isEmpty)) {
      throw new IllegalArgumentException(
          "Cannot configure LoRA: target_modules=%s, expected names of layers, such as [q_proj, v_proj], or a regular expression"
              .formatted(names));
    }
    return new TargetModules(names, null);
  }

  /** Layers whose whole names match. */
  public static TargetModules matching(String expression) {
    try {
      return new TargetModules(List.of(), Pattern.compile(expression));
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "Cannot configure LoRA: target_modules=%s, expected a list of names or a regular expression; %s"
              .formatted(expression, e.getDescription()),
          e);
    }
  }

  /** From configuration: a list of strings, or a string. */
  @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
  static TargetModules of(JsonNode value) {
    if (value.isTextual()) {
      return matching(value.textValue());
    }
    List<String> names = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(name -> names.add(name.asText()));
    }
    return named(names);
  }

  /** As configuration has it. */
  @JsonValue
  public Object value() {
    return pattern == null ? names : pattern.pattern();
  }

  /** Whether a layer is among them. */
  public boolean matches(String layer) {
    return pattern == null
        ? names.stream().anyMatch(name -> isNamed(layer, name))
        : pattern.matcher(layer).matches();
  }

  private static boolean isNamed(String layer, String name) {
    return layer.equals(name) || layer.endsWith("." + name);
  }

  /**
   * Refuses a name, or a pattern, that no layer has.
   *
   * @param layers all linear layers of the model
   * @throws IllegalArgumentException listing the names nearest to it
   */
  void check(Collection<String> layers) {
    if (pattern != null) {
      check(layers.stream().anyMatch(this::matches), pattern.pattern(), layers);
    }
    for (String name : names) {
      check(layers.stream().anyMatch(layer -> isNamed(layer, name)), name, layers);
    }
  }

  private static void check(boolean holds, String target, Collection<String> layers) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot configure LoRA: target_modules has %s, which is no linear layer of the model; %s"
              .formatted(target, nearest(target, layers)));
    }
  }

  /** The names of layers, or their last parts, that resemble one. */
  static String nearest(String target, Collection<String> layers) {
    long parts = target.chars().filter(c -> c == '.').count() + 1;
    Set<String> candidates = new TreeSet<>();
    layers.forEach(layer -> candidates.add(end(layer, parts)));
    List<String> near = Nearest.all(target, candidates);
    return near.isEmpty()
        ? "expected one of " + some(candidates)
        : "did you mean " + near.stream().limit(SHOWN).collect(joining(", ")) + "?";
  }

  /** The last parts of a layer's name. */
  private static String end(String layer, long parts) {
    List<String> all = List.of(layer.split("\\."));
    return String.join(".", all.subList((int) Math.max(0, all.size() - parts), all.size()));
  }

  private static String some(Set<String> names) {
    String shown = names.stream().limit(2 * SHOWN).collect(joining(", "));
    return names.size() <= 2 * SHOWN ? shown : shown + " and others";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TargetModules that && value().equals(that.value());
  }

  @Override
  public int hashCode() {
    return value().hashCode();
  }

  @Override
  public String toString() {
    return value().toString();
  }
}

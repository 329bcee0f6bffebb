package org.talespark.jobs.config;

import com.fasterxml.jackson.annotation.JsonTypeName;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/** Every dotted key that a tree of configuration records knows. */
final class KnownKeys {

  private static final PropertyNamingStrategies.NamingBase SNAKE =
      (PropertyNamingStrategies.NamingBase) PropertyNamingStrategies.SNAKE_CASE;

  private final Set<String> paths = new TreeSet<>();
  private final Set<Class<?>> open = new HashSet<>();

  private KnownKeys() {}

  /** All paths below a record type, those of all alternatives of sealed interfaces included. */
  static Set<String> of(Class<?> type) {
    KnownKeys keys = new KnownKeys();
    keys.add("", type);
    return keys.paths;
  }

  private void add(String path, Class<?> type) {
    if (!open.add(type)) {
      return; // a type inside itself: one round is enough to suggest names
    }
    if (type.isSealed()) {
      for (Class<?> alternative : type.getPermittedSubclasses()) {
        add(path, alternative);
      }
    } else if (type.isRecord()) {
      if (type.isAnnotationPresent(JsonTypeName.class)) {
        paths.add(KeyPath.child(path, "type"));
      }
      for (RecordComponent component : type.getRecordComponents()) {
        String key = KeyPath.child(path, SNAKE.translate(component.getName()));
        paths.add(key);
        add(key, component.getType());
        if (component.getGenericType() instanceof ParameterizedType generic) {
          for (Type argument : generic.getActualTypeArguments()) {
            if (argument instanceof Class<?> element) {
              add(key, element);
            }
          }
        }
      }
    }
    open.remove(type);
  }
}

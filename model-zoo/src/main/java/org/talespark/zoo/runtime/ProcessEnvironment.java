package org.talespark.zoo.runtime;

import com.sun.jna.Library;
import com.sun.jna.Native;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The environment of this very process, as native libraries see it. Java only reads a copy, so a
 * variable that a library looks at while it loads has to be set through the C library.
 */
final class ProcessEnvironment {

  /** The two functions of the C library that are needed here. */
  interface CLibrary extends Library {
    int setenv(String name, String value, int overwrite);

    String getenv(String name);
  }

  private final CLibrary c;

  private ProcessEnvironment(CLibrary c) {
    this.c = c;
  }

  /**
   * Opens the C library.
   *
   * @throws IllegalStateException when JNA's own native part cannot be loaded
   */
  static ProcessEnvironment open() {
    try {
      return new ProcessEnvironment(Native.load("c", CLibrary.class));
    } catch (LinkageError e) {
      throw new IllegalStateException(
          ("Cannot set the native environment: jna.tmpdir=%s, expected a directory from which"
                  + " libraries may be loaded; try -Djna.tmpdir=DIR on a file system mounted without"
                  + " noexec")
              .formatted(System.getProperty("jna.tmpdir", System.getProperty("java.io.tmpdir"))),
          e);
    }
  }

  /** The value that native code sees, or null. */
  String value(String name) {
    return c.getenv(name);
  }

  /**
   * Sets each variable that has no value yet and returns what is in force now: what was set here,
   * or what the user had set before.
   */
  Map<String, String> setAbsent(Map<String, String> variables) {
    Map<String, String> inForce = new LinkedHashMap<>();
    variables.forEach(
        (name, value) -> {
          if (c.setenv(name, value, 0) != 0) {
            throw new IllegalStateException(
                "Cannot set environment variable: %s=%s, expected the C library to accept it; try to set it before the program starts"
                    .formatted(name, value));
          }
          inForce.put(name, c.getenv(name));
        });
    return inForce;
  }
}

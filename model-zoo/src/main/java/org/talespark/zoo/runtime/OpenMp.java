package org.talespark.zoo.runtime;

import com.sun.jna.Function;
import com.sun.jna.Library;
import com.sun.jna.NativeLibrary;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The OpenMP runtime that ND4J and oneDNN share. How many threads a parallel region has is a
 * property of the thread that enters it.
 */
public final class OpenMp {
  private static final Pattern LIBRARY = Pattern.compile(".*/libgomp\\.so[^/]*");
  private static final int RTLD_LAZY = 1; // dlopen(3); without RTLD_GLOBAL
  private static final Optional<Function> SET = function();

  private OpenMp() {}

  /**
   * Sets the threads of parallel regions that the calling thread enters from now on; does nothing
   * where the runtime is another one.
   */
  public static void threadsOfThisThread(int threads) {
    SET.ifPresent(set -> set.invokeVoid(new Object[] {threads}));
  }

  private static Optional<Function> function() {
    Map<String, Object> local = Map.of(Library.OPTION_OPEN_FLAGS, RTLD_LAZY);
    return OpenBlas.loaded(LIBRARY)
        .map(path -> NativeLibrary.getInstance(path, local).getFunction("omp_set_num_threads"));
  }
}

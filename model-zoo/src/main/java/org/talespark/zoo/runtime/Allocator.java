package org.talespark.zoo.runtime;

import com.sun.jna.Library;
import com.sun.jna.Native;
import org.bytedeco.javacpp.Loader;
import org.slf4j.LoggerFactory;

/**
 * The C library's allocator, which native operations ask for scratch memory at every call. By
 * default it hands large blocks back to the operating system when they are freed, so that each call
 * pays again for fresh, zeroed pages; a process that trains for hours keeps them instead.
 */
public final class Allocator {
  // malloc.h of glibc
  private static final int M_TRIM_THRESHOLD = -1;
  private static final int M_TOP_PAD = -2;
  private static final int M_MMAP_THRESHOLD = -3;

  private static final int KEPT_BYTES = 1 << 30;
  private static final int STEP_BYTES = 64 << 20;

  /** The function of glibc that sets limits of its allocator. */
  interface Glibc extends Library {
    int mallopt(int parameter, int value);
  }

  private Allocator() {}

  /** Keeps freed memory within the process; does nothing where the C library is not glibc. */
  public static void keepFreedMemory() {
    if (!Loader.getPlatform().startsWith("linux")) {
      return;
    }
    Glibc glibc = Native.load("c", Glibc.class);
    try {
      glibc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
      glibc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
      glibc.mallopt(M_TOP_PAD, STEP_BYTES);
    } catch (UnsatisfiedLinkError e) {
      LoggerFactory.getLogger(Allocator.class)
          .info("The C library has no mallopt: scratch memory goes back at every call");
    }
  }
}

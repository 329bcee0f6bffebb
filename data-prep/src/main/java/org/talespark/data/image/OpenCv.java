package org.talespark.data.image;

import org.bytedeco.opencv.global.opencv_core;

/**
 * Loads OpenCV once a process and keeps it to the calling thread: Spark's tasks are the threads.
 */
final class OpenCv {

  static {
    opencv_core.setNumThreads(1);
  }

  private OpenCv() {}

  /** Call before the first OpenCV call; cheap ever after. */
  static void ready() {
    // the class initialiser has run
  }
}

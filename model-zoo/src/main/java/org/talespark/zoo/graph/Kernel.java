package org.talespark.zoo.graph;

/** One operation bound to its input and output arrays; running it reads and writes only those. */
@FunctionalInterface
public interface Kernel {
  void run();
}

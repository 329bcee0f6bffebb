package org.talespark.zoo.graph;

/** Is told, during the backward pass, which part of the flat gradient array is final. */
@FunctionalInterface
public interface GradientListener {

  /** Elements {@code offset} to {@code offset + length - 1} of the flat gradients are complete. */
  void ready(long offset, long length);

  /** Listens to nothing. */
  GradientListener NONE = (offset, length) -> {};
}

package org.talespark.zoo.graph;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One array of a plan while it is being made. */
final class Value {
  enum Kind {
    /** Filled by the caller before a step. */
    INPUT,
    /** A trainable parameter or a bound array: lives outside the arena. */
    BOUND,
    /** Known when the plan is made. */
    CONSTANT,
    /** Written by a step, lives in the arena. */
    COMPUTED
  }

  final String name;
  final Kind kind;
  final DataType type;
  final long[] shape;

  /** The array that this one is a view of, with the same elements in the same order, or null. */
  Value base;

  /** INPUT, BOUND and CONSTANT from the start; COMPUTED once memory is planned. */
  INDArray array;

  /** First step that writes it and last step that reads it; of the root, over all its views. */
  int first = Integer.MAX_VALUE;

  int last = -1;

  /** Index of the memory request, or -1. */
  int request = -1;

  /** Elements into the gradient array, for a gradient that is written straight there; else -1. */
  long gradientOffset = -1;

  Value(String name, Kind kind, DataType type, long[] shape, INDArray array) {
    this.name = name;
    this.kind = kind;
    this.type = type;
    this.shape = shape.clone();
    this.array = array;
  }

  Value root() {
    Value v = this;
    while (v.base != null) {
      v = v.base;
    }
    return v;
  }

  /** Whether it has a place in the arena: computed, and not written straight to the gradients. */
  boolean inArena() {
    return kind == Kind.COMPUTED && gradientOffset < 0;
  }

  long length() {
    return Views.length(shape);
  }

  long bytes() {
    return Views.bytes(type, length());
  }

  boolean known() {
    return kind == Kind.CONSTANT;
  }
}

package org.talespark.zoo.graph;

import java.util.Optional;

/**
 * Where a compiled graph gets its kernels from. A provider may know only some operations; providers
 * are asked in turn, and ND4J's, the last, knows them all. Every provider must pass the same op
 * tests.
 */
@FunctionalInterface
public interface KernelProvider {

  /** Binds a call to a kernel, or answers empty when this provider does not know the operation. */
  Optional<Kernel> bind(OpCall call);

  /** This provider first, and the other where it does not know the operation. */
  default KernelProvider orElse(KernelProvider other) {
    return call -> bind(call).or(() -> other.bind(call));
  }

  /** ND4J's kernels, and faster ones with bit-equal results where there are any. */
  static KernelProvider standard() {
    return new ReluGradientKernels().orElse(new DefaultKernels());
  }
}

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

  /**
   * Float32 elements of scratch memory that the kernel of such a call needs while it runs; the plan
   * finds room for them among its arrays and counts them.
   */
  default long scratch(OpShapes shapes) {
    return 0;
  }

  /** This provider first, and the other where it does not know the operation. */
  default KernelProvider orElse(KernelProvider other) {
    KernelProvider first = this;
    return new KernelProvider() {
      @Override
      public Optional<Kernel> bind(OpCall call) {
        return first.bind(call).or(() -> other.bind(call));
      }

      @Override
      public long scratch(OpShapes shapes) {
        return Math.max(first.scratch(shapes), other.scratch(shapes));
      }
    };
  }

  /**
   * ND4J's kernels, and faster ones where there are any. Convolutions by Winograd's algorithm
   * ({@link ConvolutionPasses}) are equal to ND4J's up to rounding, all others to the bit.
   */
  static KernelProvider standard() {
    KernelProvider nd4j = new DefaultKernels();
    return new ConvolutionKernels()
        .orElse(new LayerNormKernels(Parts.threads(), nd4j))
        .orElse(new ReluGradientKernels())
        .orElse(nd4j);
  }
}

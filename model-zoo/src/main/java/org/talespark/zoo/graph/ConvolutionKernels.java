package org.talespark.zoo.graph;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_0;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_1;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.dnnl.binary;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.memory;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Convolutions and transposed convolutions of float32 arrays, forward and backward, on oneDNN
 * itself.
 *
 * <p>ND4J calls the same primitives, but makes them anew in each call, allocates their memory,
 * converts layouts that need no conversion, and always computes every gradient: also that of the
 * pictures and those of frozen weights. Here a gradient that nobody reads is left out. The bias of
 * a transposed convolution is added by a primitive of its own, which takes a tenth of the time.
 * Where Winograd's algorithm is faster it is used, also where oneDNN's own choice would be another;
 * elsewhere results are bit-equal to ND4J's.
 */
final class ConvolutionKernels implements KernelProvider {
  private static final Logger LOG = LoggerFactory.getLogger(ConvolutionKernels.class);
  private static final Set<String> FORWARD = Set.of("conv2d", "deconv2d");
  private static final Set<String> BACKWARD = Set.of("conv2d_bp", "deconv2d_bp");

  @Override
  public long scratch(OpShapes shapes) {
    Optional<OneDnn> library = OneDnn.shared();
    if (shapes.type() != DataType.FLOAT || library.isEmpty()) {
      return 0;
    }
    OneDnnProgram program = OneDnnProgram.measuring(library.get());
    List<INDArray> in = Collections.nCopies(shapes.inputs().size(), null);
    List<INDArray> out = Collections.nCopies(shapes.outputs().size(), null);
    boolean known =
        sizes(shapes)
            .map(sizes -> write(shapes.op().opName(), sizes, in, out, shapes.unused(), program))
            .orElse(false);
    return known ? (program.most() + Float.BYTES - 1) / Float.BYTES : 0;
  }

  @Override
  public Optional<Kernel> bind(OpCall call) {
    Optional<OneDnn> library = OneDnn.shared();
    if (library.isEmpty() || !call.isPlainFloat()) {
      return Optional.empty();
    }
    OneDnnProgram program = OneDnnProgram.with(library.get(), call.scratch());
    return sizes(OpShapes.of(call))
        .filter(
            sizes ->
                write(call.opName(), sizes, call.inputs(), call.outputs(), call.unused(), program))
        .map(sizes -> program.kernel());
  }

  /** Writes the program; false when oneDNN has no primitive for such a convolution. */
  private static boolean write(
      String op,
      Convolution sizes,
      List<INDArray> in,
      List<INDArray> out,
      Set<Integer> unused,
      OneDnnProgram program) {
    ConvolutionPasses passes = ConvolutionPasses.of(sizes, program.cpu());
    try {
      if (FORWARD.contains(op)) {
        forward(sizes, in, out, program, passes);
      } else {
        backward(sizes, in, out, unused, program, passes);
      }
      return true;
    } catch (RuntimeException e) { // what oneDNN throws
      LOG.info("ND4J computes {} {}: {}", op, sizes, e.getMessage());
      return false;
    }
  }

  private static Optional<Convolution> sizes(OpShapes shapes) {
    boolean forward = FORWARD.contains(shapes.op().opName());
    if (!forward && !BACKWARD.contains(shapes.op().opName())) {
      return Optional.empty();
    }
    List<long[]> inputs = shapes.inputs();
    long[] output = forward ? shapes.outputs().get(0) : inputs.get(inputs.size() - 1);
    return Convolution.of((DynamicCustomOp) shapes.op(), inputs.get(0), inputs.get(1), output);
  }

  private static void forward(
      Convolution sizes,
      List<INDArray> in,
      List<INDArray> out,
      OneDnnProgram program,
      ConvolutionPasses passes) {
    boolean bias = in.size() > 2;
    boolean biasApart = bias && sizes.transposed();
    ConvolutionPasses.Pass pass = passes.forward(bias && !biasApart);
    memory y = program.over(out.get(0), sizes.plainOutput());
    memory x = program.over(in.get(0), sizes.plainInput());
    memory w = program.over(in.get(1), sizes.plainWeights());
    Map<Integer, memory> arguments = new HashMap<>();
    arguments.put(DNNL_ARG_SRC, program.converted(x, pass.input()));
    arguments.put(DNNL_ARG_WEIGHTS, program.converted(w, pass.weights()));
    if (bias && !biasApart) {
      arguments.put(DNNL_ARG_BIAS, program.over(in.get(2), sizes.bias()));
    }
    memory result = program.in(pass.output(), y);
    arguments.put(DNNL_ARG_DST, result);
    program.run(pass.step(), arguments);
    program.convert(result, y);
    if (biasApart) {
      memory b = program.over(in.get(2), sizes.broadcastBias());
      binary.desc sum =
          new binary.desc(algorithm.binary_add, y.get_desc(), sizes.broadcastBias(), y.get_desc());
      program.run(
          new binary(new binary.primitive_desc(sum, program.cpu())),
          Map.of(DNNL_ARG_SRC_0, y, DNNL_ARG_SRC_1, b, DNNL_ARG_DST, y));
    }
  }

  /** Inputs x, w, (b,) gradient of the output; outputs: gradients of x, w (and b). */
  private static void backward(
      Convolution sizes,
      List<INDArray> in,
      List<INDArray> out,
      Set<Integer> unused,
      OneDnnProgram program,
      ConvolutionPasses passes) {
    boolean bias = out.size() > 2;
    memory g = program.over(in.get(in.size() - 1), sizes.plainOutput());
    memory common = null; // the gradient in the layout of the first pass
    if (!unused.contains(0)) {
      ConvolutionPasses.Pass pass = passes.ofInput();
      common = program.converted(g, pass.output());
      long mark = program.mark();
      memory w = program.over(in.get(1), sizes.plainWeights());
      memory dx = program.over(out.get(0), sizes.plainInput());
      memory weights = program.converted(w, pass.weights());
      memory result = program.in(pass.input(), dx);
      program.run(
          pass.step(),
          Map.of(DNNL_ARG_DIFF_DST, common, DNNL_ARG_WEIGHTS, weights, DNNL_ARG_DIFF_SRC, result));
      program.convert(result, dx);
      program.release(mark);
    }
    if (!unused.contains(1) || (bias && !unused.contains(2))) {
      ConvolutionPasses.Pass pass = passes.ofWeights(bias);
      if (common == null || !pass.output().equals(common.get_desc())) {
        program.release(0);
        common = program.converted(g, pass.output());
      }
      memory x = program.over(in.get(0), sizes.plainInput());
      memory dw = program.over(out.get(1), sizes.plainWeights());
      Map<Integer, memory> arguments = new HashMap<>();
      arguments.put(DNNL_ARG_DIFF_DST, common);
      arguments.put(DNNL_ARG_SRC, program.converted(x, pass.input()));
      memory result = program.in(pass.weights(), dw);
      arguments.put(DNNL_ARG_DIFF_WEIGHTS, result);
      if (bias) {
        arguments.put(DNNL_ARG_DIFF_BIAS, program.over(out.get(2), sizes.bias()));
      }
      program.run(pass.step(), arguments);
      program.convert(result, dw);
    }
  }
}

package org.talespark.zoo.graph;

import java.util.function.Function;
import org.bytedeco.dnnl.convolution_backward_data;
import org.bytedeco.dnnl.convolution_backward_weights;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.deconvolution_backward_data;
import org.bytedeco.dnnl.deconvolution_backward_weights;
import org.bytedeco.dnnl.deconvolution_forward;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * oneDNN's three primitives of a convolution: forward, the gradient of its input, and the gradients
 * of its weights and bias, each free to choose the layouts it likes best. oneDNN takes Winograd's
 * algorithm too seldom by itself, and hardly ever for the gradient of the weights, where it is two
 * to four times as fast: so it is asked for by name.
 */
sealed interface ConvolutionPasses {
  Logger LOG = LoggerFactory.getLogger(ConvolutionPasses.class);

  /** A primitive and the layouts of input, weights and output (or of their gradients). */
  record Pass(primitive step, memory.desc input, memory.desc weights, memory.desc output) {}

  Pass forward(boolean bias);

  Pass ofInput();

  Pass ofWeights(boolean bias);

  static ConvolutionPasses of(Convolution sizes, engine cpu) {
    return sizes.transposed() ? new Transposed(sizes, cpu) : new Plain(sizes, cpu);
  }

  /** A convolution. */
  record Plain(Convolution c, engine cpu) implements ConvolutionPasses {
    /** By Winograd's algorithm if it suits and this processor has it, else as oneDNN likes. */
    private <T> T fastest(boolean winograd, Function<algorithm, T> pass) {
      if (winograd) {
        try {
          return pass.apply(algorithm.convolution_winograd);
        } catch (RuntimeException e) { // no such kernel for this processor
          LOG.debug("No Winograd for {}: {}", c, e.getMessage());
        }
      }
      return pass.apply(algorithm.convolution_auto);
    }

    private convolution_forward.primitive_desc hint(algorithm way, boolean bias) {
      // for inference Winograd's kernels want the weights in a layout that is slow to make
      prop_kind kind =
          way == algorithm.convolution_winograd
              ? prop_kind.forward_training
              : prop_kind.forward_inference;
      convolution_forward.desc wanted =
          new convolution_forward.desc(
              kind,
              way,
              c.anyInput(),
              c.anyWeights(),
              c.bias(bias),
              c.anyOutput(),
              c.stride(),
              c.dilation(),
              c.padding(),
              c.paddingAfter());
      return new convolution_forward.primitive_desc(wanted, cpu);
    }

    @Override
    public Pass forward(boolean bias) {
      return fastest(c.suitsWinograd(), way -> forward(way, bias));
    }

    private Pass forward(algorithm way, boolean bias) {
      convolution_forward.primitive_desc found = hint(way, bias);
      return new Pass(
          new convolution_forward(found), found.src_desc(), found.weights_desc(), found.dst_desc());
    }

    @Override
    public Pass ofInput() {
      return fastest(c.suitsWinograd(), this::ofInput);
    }

    private Pass ofInput(algorithm way) {
      convolution_backward_data.primitive_desc found =
          new convolution_backward_data.primitive_desc(
              new convolution_backward_data.desc(
                  way,
                  c.anyInput(),
                  c.anyWeights(),
                  c.anyOutput(),
                  c.stride(),
                  c.dilation(),
                  c.padding(),
                  c.paddingAfter()),
              cpu,
              hint(way, false));
      return new Pass(
          new convolution_backward_data(found),
          found.diff_src_desc(),
          found.weights_desc(),
          found.diff_dst_desc());
    }

    @Override
    public Pass ofWeights(boolean bias) {
      return fastest(c.suitsWinogradForWeights(), way -> ofWeights(way, bias));
    }

    private Pass ofWeights(algorithm way, boolean bias) {
      convolution_backward_weights.desc wanted =
          new convolution_backward_weights.desc(
              way,
              c.anyInput(),
              c.anyWeights(),
              c.bias(bias),
              c.anyOutput(),
              c.stride(),
              c.dilation(),
              c.padding(),
              c.paddingAfter());
      convolution_backward_weights.primitive_desc found =
          new convolution_backward_weights.primitive_desc(wanted, cpu, hint(way, bias));
      return new Pass(
          new convolution_backward_weights(found),
          found.src_desc(),
          found.diff_weights_desc(),
          found.diff_dst_desc());
    }
  }

  /** A transposed convolution. */
  record Transposed(Convolution c, engine cpu) implements ConvolutionPasses {
    private deconvolution_forward.primitive_desc hint(boolean bias) {
      deconvolution_forward.desc wanted =
          new deconvolution_forward.desc(
              prop_kind.forward_inference,
              algorithm.deconvolution_direct,
              c.anyInput(),
              c.anyWeights(),
              c.bias(bias),
              c.anyOutput(),
              c.stride(),
              c.dilation(),
              c.padding(),
              c.paddingAfter());
      return new deconvolution_forward.primitive_desc(wanted, cpu);
    }

    @Override
    public Pass forward(boolean bias) {
      deconvolution_forward.primitive_desc found = hint(bias);
      return new Pass(
          new deconvolution_forward(found),
          found.src_desc(),
          found.weights_desc(),
          found.dst_desc());
    }

    @Override
    public Pass ofInput() {
      deconvolution_backward_data.primitive_desc found =
          new deconvolution_backward_data.primitive_desc(
              new deconvolution_backward_data.desc(
                  algorithm.deconvolution_direct,
                  c.anyInput(),
                  c.anyWeights(),
                  c.anyOutput(),
                  c.stride(),
                  c.dilation(),
                  c.padding(),
                  c.paddingAfter()),
              cpu,
              hint(false));
      return new Pass(
          new deconvolution_backward_data(found),
          found.diff_src_desc(),
          found.weights_desc(),
          found.diff_dst_desc());
    }

    @Override
    public Pass ofWeights(boolean bias) {
      deconvolution_backward_weights.desc wanted =
          new deconvolution_backward_weights.desc(
              algorithm.deconvolution_direct,
              c.anyInput(),
              c.anyWeights(),
              c.bias(bias),
              c.anyOutput(),
              c.stride(),
              c.dilation(),
              c.padding(),
              c.paddingAfter());
      deconvolution_backward_weights.primitive_desc found =
          new deconvolution_backward_weights.primitive_desc(wanted, cpu, hint(bias));
      return new Pass(
          new deconvolution_backward_weights(found),
          found.src_desc(),
          found.diff_weights_desc(),
          found.diff_dst_desc());
    }
  }
}

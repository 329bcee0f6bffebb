package org.talespark.zoo.vq;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Pretrained;

/**
 * The plans of a VQ training step. They share arrays: what one reads of another is bound, not
 * copied.
 *
 * <pre>
 *   autoencoder         pictures -> reconstruction, vectors, indices; backward from a late seed
 *   reconstructionLoss  reconstruction, pictures -> losses and the gradient of the reconstruction
 *   critic              reconstruction, frozen discriminator -> loss and the same gradient
 *   lastLayer           seed -> the last layer's weight gradient
 *   discriminator       pictures, reconstruction -> loss and its own gradients
 *   evaluation          pictures, averaged weights -> reconstruction, indices
 * </pre>
 */
final class VqPlans implements AutoCloseable {
  static final String SEED = "seed";
  static final String RECONSTRUCTION = "reconstruction";
  static final String TOTAL = "loss";
  static final String L1 = "l1";
  static final String L2 = "l2";
  static final String PERCEPTUAL = "perceptual";
  static final String QUANTIZER = "quantizer_loss";
  static final String EQUIVARIANCE = "equivariance_loss";
  static final String GENERATOR = "generator_loss";
  static final String DISCRIMINATOR = "discriminator_loss";

  /** All that may be reported, in order. */
  static final List<String> LOSSES =
      List.of(TOTAL, L1, L2, PERCEPTUAL, QUANTIZER, EQUIVARIANCE, GENERATOR, DISCRIMINATOR);

  private final VqLearnerConfig config;
  private final LearnerContext context;
  private final String vectors;
  private final String indices;
  private final String beforeLast;
  private final Parameters averaged;

  final CompiledGraph autoencoder;
  final CompiledGraph reconstructionLoss;
  final CompiledGraph critic;
  final CompiledGraph lastLayer;
  final CompiledGraph discriminator;
  final CompiledGraph evaluation;
  final String evaluationIndices;

  VqPlans(VqLearnerConfig config, LearnerContext context, INDArray codes) {
    this.config = config;
    this.context = context;
    Ops ops = new Ops(context.type());
    Layers layers = Layers.trainable(ops, context.seed());
    VqModel model = config.model().build(layers, context.batch(), context.size());
    ops.name(RECONSTRUCTION, model.reconstruction());
    SDVariable seed = ops.input(SEED, pictureShape());
    ops.name("pull", model.reconstruction().mul(seed).sum());
    ops.name(QUANTIZER, model.quantizer().loss().mul(config.quantizerWeight()));
    this.vectors = model.quantizer().vectors().name();
    this.indices = model.quantizer().indices().name();
    this.beforeLast = model.beforeLast().name();
    String codebook = config.model().codebook();
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .input(VqModel.PICTURES, pictureShape())
            .lateInput(SEED, pictureShape())
            .outputs(RECONSTRUCTION, vectors, indices, beforeLast)
            .losses("pull", QUANTIZER)
            .train(layers.names());
    if (config.equivariant()) {
      ops.name(
          EQUIVARIANCE,
          ScaleEquivariance.loss(config, layers, model, context.batch(), context.size()));
      builder.losses(EQUIVARIANCE);
    }
    if (!layers.names().contains(codebook)) {
      builder.bind(codebook, codes);
    }
    this.autoencoder = builder.build();
    this.reconstructionLoss = buildReconstructionLoss();

    if (config.adversarial() == null) {
      this.discriminator = null;
      this.critic = null;
      this.lastLayer = null;
    } else {
      this.discriminator = buildDiscriminator();
      this.critic = buildCritic();
      this.lastLayer = buildLastLayer();
    }

    this.averaged = new Parameters(autoencoder.parameters().layout(), context.type());
    Ops inference = new Ops(context.type());
    VqModel evaluated =
        config.model().build(Layers.bound(inference), context.batch(), context.size());
    inference.name(RECONSTRUCTION, evaluated.reconstruction());
    this.evaluationIndices = evaluated.quantizer().indices().name();
    this.evaluation =
        CompiledGraph.of(inference.graph())
            .input(VqModel.PICTURES, pictureShape())
            .bind(codebook, codes)
            .bind(averaged)
            .outputs(RECONSTRUCTION, evaluationIndices)
            .build();
  }

  private long[] pictureShape() {
    return new long[] {context.batch(), 3, context.size(), context.size()};
  }

  private CompiledGraph buildReconstructionLoss() {
    Ops ops = new Ops(context.type());
    SDVariable reconstruction = ops.input(RECONSTRUCTION, pictureShape());
    SDVariable pictures = ops.input(VqModel.PICTURES, pictureShape());
    SDVariable l1 = ops.name(L1, ops.meanAbsolute(reconstruction, pictures));
    SDVariable l2 = ops.name(L2, ops.meanSquare(reconstruction, pictures));
    SDVariable total = l1.mul(config.l1Weight()).add(l2.mul(config.l2Weight()));
    CompiledGraph.Builder builder = CompiledGraph.of(ops.graph()).outputs(L1, L2);
    VqLearnerConfig.Perceptual perceptual = config.perceptual();
    if (perceptual != null) {
      Pretrained network = context.pretrained().apply(perceptual.checkpoint());
      FeatureNetwork.Config features = FeatureLearnerConfig.networkOf(network.config());
      Layers frozen = Layers.bound(ops);
      SDVariable distance =
          perceptual
              .distance()
              .between(
                  features,
                  frozen,
                  FeatureNetwork.maps(features, frozen, reconstruction),
                  FeatureNetwork.maps(features, frozen.again(), pictures));
      ops.name(PERCEPTUAL, distance);
      total = total.add(distance.mul(perceptual.weight()));
      for (String name : frozen.names()) {
        builder.bind(name, network.tensor(name).castTo(context.type()));
      }
      builder.outputs(PERCEPTUAL);
    }
    ops.name(TOTAL, total);
    return builder
        .losses(TOTAL)
        .bind(RECONSTRUCTION, autoencoder.output(RECONSTRUCTION))
        .bind(VqModel.PICTURES, autoencoder.input(VqModel.PICTURES))
        .gradientOf(RECONSTRUCTION)
        .build();
  }

  private CompiledGraph buildDiscriminator() {
    VqLearnerConfig.Adversarial adversarial = config.adversarial();
    Ops ops = new Ops(context.type());
    Layers layers = Layers.trainable(ops, context.seed());
    SDVariable real = ops.input(VqModel.PICTURES, pictureShape());
    SDVariable fake = ops.input(RECONSTRUCTION, pictureShape());
    SDVariable onReal =
        PatchDiscriminator.logits(layers, real, adversarial.width(), adversarial.norm());
    List<String> names = layers.names();
    SDVariable onFake =
        PatchDiscriminator.logits(layers.again(), fake, adversarial.width(), adversarial.norm());
    ops.name(DISCRIMINATOR, adversarial.loss().discriminator(ops, onReal, onFake));
    return CompiledGraph.of(ops.graph())
        .bind(VqModel.PICTURES, autoencoder.input(VqModel.PICTURES))
        .bind(RECONSTRUCTION, autoencoder.output(RECONSTRUCTION))
        .losses(DISCRIMINATOR)
        .train(names)
        .build();
  }

  private CompiledGraph buildCritic() {
    VqLearnerConfig.Adversarial adversarial = config.adversarial();
    Ops ops = new Ops(context.type());
    SDVariable fake = ops.input(RECONSTRUCTION, pictureShape());
    SDVariable logits =
        PatchDiscriminator.logits(Layers.bound(ops), fake, adversarial.width(), adversarial.norm());
    ops.name(GENERATOR, adversarial.loss().generator(ops, logits));
    return CompiledGraph.of(ops.graph())
        .bind(RECONSTRUCTION, autoencoder.output(RECONSTRUCTION))
        .bind(discriminator.parameters())
        .losses(GENERATOR)
        .gradientOf(RECONSTRUCTION)
        .build();
  }

  /** The last layer is linear, so its weight gradient needs only its input and the seed. */
  private CompiledGraph buildLastLayer() {
    Ops ops = new Ops(context.type());
    INDArray before = autoencoder.output(beforeLast);
    SDVariable h = ops.input("before_last", before.shape());
    String name = config.model().lastLayer();
    SDVariable weight = ops.parameter(name, autoencoder.parameters().view(name).dup());
    SDVariable seed = ops.input(SEED, pictureShape());
    ops.name("pull", ops.conv2d(h, weight, null, 1, 1).mul(seed).sum());
    return CompiledGraph.of(ops.graph())
        .bind("before_last", before)
        .input(SEED, pictureShape())
        .losses("pull")
        .train(List.of(name))
        .build();
  }

  INDArray vectors() {
    return autoencoder.output(vectors);
  }

  INDArray indices() {
    return autoencoder.output(indices);
  }

  boolean has(String loss, boolean adversarial) {
    return switch (loss) {
      case PERCEPTUAL -> config.perceptual() != null;
      case EQUIVARIANCE -> config.equivariant();
      case GENERATOR, DISCRIMINATOR -> adversarial;
      default -> true;
    };
  }

  /** A loss of the step that has just run, or zero where there is none. */
  double loss(String loss, boolean adversarial) {
    if (!has(loss, adversarial)) {
      return 0;
    }
    CompiledGraph plan =
        switch (loss) {
          case QUANTIZER, EQUIVARIANCE -> autoencoder;
          case GENERATOR -> critic;
          case DISCRIMINATOR -> discriminator;
          default -> reconstructionLoss;
        };
    return plan.output(loss).getDouble(0);
  }

  /** Makes the evaluation use these flat weights. */
  void average(INDArray flat) {
    averaged.flat().assign(flat);
  }

  /** Views of flat averaged weights by name. */
  Map<String, INDArray> averaged(INDArray flat) {
    return Parameters.views(autoencoder.parameters().layout(), flat);
  }

  String report() {
    Map<String, CompiledGraph> plans = new LinkedHashMap<>();
    plans.put("autoencoder", autoencoder);
    plans.put("reconstruction loss", reconstructionLoss);
    plans.put("critic", critic);
    plans.put("discriminator", discriminator);
    plans.put("evaluation", evaluation);
    StringBuilder text = new StringBuilder();
    plans.forEach(
        (name, plan) -> {
          if (plan != null) {
            text.append("%s: %s%n".formatted(name, plan.report()));
          }
        });
    return text.toString().stripTrailing();
  }

  @Override
  public void close() {
    for (CompiledGraph plan :
        new CompiledGraph[] {
          autoencoder, reconstructionLoss, critic, lastLayer, discriminator, evaluation
        }) {
      if (plan != null) {
        plan.close();
      }
    }
  }
}

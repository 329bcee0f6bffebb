package org.talespark.zoo.vq;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;

/**
 * Training of a VQ-VAE or VQ-GAN.
 *
 * @param l1Weight of the mean absolute difference
 * @param l2Weight of the mean squared difference
 * @param quantizerWeight of the quantizer's loss
 * @param equivarianceWeight of {@link ScaleEquivariance}; left out, 0
 * @param perceptual loss in the features of a frozen network, or null
 * @param adversarial loss against a discriminator, or null
 * @param clipNorm largest global norm of the gradients
 * @param emaDecay of the averaged weights
 */
public record VqLearnerConfig(
    VqModelConfig model,
    OptimizerConfig optimizer,
    Schedule schedule,
    double l1Weight,
    double l2Weight,
    double quantizerWeight,
    Double equivarianceWeight,
    Perceptual perceptual,
    Adversarial adversarial,
    double clipNorm,
    double emaDecay)
    implements LearnerConfig {

  /**
   * A loss in the features of a frozen network.
   *
   * @param checkpoint a run or checkpoint of a feature network
   */
  public record Perceptual(String checkpoint, double weight, PerceptualLoss distance) {
    public Perceptual {
      if (checkpoint == null) {
        throw new IllegalArgumentException(
            "Cannot configure perceptual loss: checkpoint is missing, expected the run of a feature network; try --recipe features first, or task.perceptual=null to do without");
      }
    }
  }

  /**
   * A loss against a discriminator.
   *
   * @param weight of the adversarial loss, before it is balanced against the reconstruction's
   * @param start share of the run after which the discriminator learns
   * @param warmup share of the run over which its weight then grows from zero
   * @param width the discriminator's narrowest layer
   */
  public record Adversarial(
      AdversarialLoss loss,
      double weight,
      double start,
      double warmup,
      int width,
      PatchDiscriminator.Norm norm,
      double learningRate) {
    public Adversarial {
      if (!(weight > 0) || !(start >= 0 && start <= 1) || !(warmup >= 0 && warmup <= 1)) {
        throw new IllegalArgumentException(
            "Cannot configure adversarial loss: weight=%s start=%s warmup=%s, expected weight > 0 and shares from 0 to 1"
                .formatted(weight, start, warmup));
      }
      if (width < 1) {
        throw new IllegalArgumentException(
            "Cannot configure adversarial loss: width=%d, expected at least 1".formatted(width));
      }
    }

    /** The loss's weight when this share of the run is done; negative while it is off. */
    double weightAt(double done) {
      if (done < start) {
        return -1;
      }
      return warmup == 0 ? weight : weight * Math.min(1, (done - start) / warmup);
    }
  }

  public VqLearnerConfig {
    equivarianceWeight = equivarianceWeight == null ? Double.valueOf(0) : equivarianceWeight;
    if (!(equivarianceWeight >= 0)) {
      throw new IllegalArgumentException(
          "Cannot configure training: equivariance_weight=%s, expected 0 or more"
              .formatted(equivarianceWeight));
    }
    if (l1Weight < 0 || l2Weight < 0 || l1Weight + l2Weight <= 0) {
      throw new IllegalArgumentException(
          "Cannot configure training: l1_weight=%s l2_weight=%s, expected none negative and one positive"
              .formatted(l1Weight, l2Weight));
    }
    if (adversarial != null && !(model instanceof VqGan.Config)) {
      throw new IllegalArgumentException(
          "Cannot configure training: adversarial is set, expected model.type=vqgan, whose last layer balances it");
    }
  }

  boolean equivariant() {
    return equivarianceWeight > 0;
  }

  @Override
  public Learner create(LearnerContext context) {
    if (adversarial != null
        && adversarial.norm() == PatchDiscriminator.Norm.BATCH
        && context.reducer().workers() > 1) {
      throw new IllegalArgumentException(
          "Cannot train: adversarial.norm=batch workers=%d, expected one worker, because batch statistics would differ from those of the whole batch; use norm=none"
              .formatted(context.reducer().workers()));
    }
    return new VqLearner(this, context);
  }

  @Override
  public LearnerConfig located(UnaryOperator<String> absolute) {
    if (perceptual == null) {
      return this;
    }
    Perceptual found =
        new Perceptual(
            absolute.apply(perceptual.checkpoint()), perceptual.weight(), perceptual.distance());
    return new VqLearnerConfig(
        model,
        optimizer,
        schedule,
        l1Weight,
        l2Weight,
        quantizerWeight,
        equivarianceWeight,
        found,
        adversarial,
        clipNorm,
        emaDecay);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums) {
    return VqMetrics.of(sums);
  }

  @Override
  public String bestMetric() {
    return VqMetrics.PSNR;
  }

  @Override
  public Object modelConfig(int size) {
    return new VqCodec.ModelFile(model, size);
  }
}
